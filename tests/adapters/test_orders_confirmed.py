"""What operators order is published, waited for, and reported as what came of it: a real broker,
the rooms played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.attempt import Attempt
from schemas.base import Message
from schemas.controls import Pause, Resolve
from schemas.outcome import Outcome
from schemas.send_request import CancelRequest, SendRequest
from schemas.sender import Sender, SenderState, SenderStatus
from schemas.topics import (
    ATTEMPTS,
    DISPATCH_CONTROLS,
    OUTCOMES,
    REQUEST_CANCELS,
    SEND_REQUESTS,
    SENDER_STATUS,
    SENDERS,
    Topic,
)
from services.cli.app import run
from services.kafka.publisher import Publisher
from tests.adapters.topics import records

NOW = datetime.now(UTC)
PHONE = "+14155550100"


def outcome(message_id: str, state: str, version: int) -> Outcome:
    return Outcome(
        message_id=message_id,
        tenant="acme",
        sender="24365",
        to=PHONE,
        kind="direct",
        requested_at=NOW,
        state=state,
        final=False,
        version=version,
        at=NOW,
    )


def status(state: SenderState, by: str | None = None) -> SenderStatus:
    return SenderStatus(sender="24365", state=state, paused_by=by, pace=100.0, at=NOW)


async def ordered(
    arguments: str,
    bootstrap: str,
    state: Path,
    order: Topic[Any],
    answers: Callable[[Any], tuple[Topic[Any], Message]],
) -> int:
    """The exit code of the command; somebody answers what it puts on its topic."""
    command = asyncio.create_task(
        asyncio.to_thread(
            run, [*arguments.split(), "--bootstrap", bootstrap, "--state", str(state)]
        )
    )
    publisher, answered = Publisher(bootstrap, source="test"), 0
    before = len(await records(bootstrap, order))
    while not command.done() and not answered:
        for record in (await records(bootstrap, order))[before:]:
            await publisher.publish(*answers(order.decode(record.value)))
            answered += 1
    await publisher.stop()
    return await command


@pytest.mark.broker
async def test_orders_are_confirmed(
    fresh_cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher = Publisher(fresh_cluster, source="test")
    await publisher.publish(SENDERS, Sender(sender="24365", kind="short_code", owner="acme"))
    await publisher.publish(SENDER_STATUS, status(SenderState.RUNNING))
    for message_id in ("m1", "m2"):
        await publisher.publish(
            SEND_REQUESTS,
            SendRequest(
                message_id=message_id,
                tenant="acme",
                to=PHONE,
                body="x",
                kind="direct",
                requested_at=NOW,
            ),
        )
    await publisher.publish(OUTCOMES, outcome("m1", "queued", 1))
    await publisher.publish(OUTCOMES, outcome("m2", "in_doubt", 1))
    await publisher.publish(
        ATTEMPTS,
        Attempt(
            message_id="m2",
            tenant="acme",
            attempt=3,
            sender="24365",
            to=PHONE,
            state="in_doubt",
            at=NOW,
        ),
    )
    await publisher.stop()

    def paused(control: Pause) -> tuple[Topic[Any], Message]:
        assert (control.type, control.sender, control.by) == ("pause", "24365", "ann")
        return SENDER_STATUS, status(SenderState.PAUSED, by=control.by)

    def too_late(asked: CancelRequest) -> tuple[Topic[Any], Message]:
        assert (asked.number_key, asked.message_id, asked.reason) == (
            f"acme/{PHONE}",
            "m1",
            "moved",
        )
        return OUTCOMES, outcome("m1", "accepted", 2)

    def dropped(word: Resolve) -> tuple[Topic[Any], Message]:
        assert (word.sender, word.message_id, word.attempt, word.action) == (
            "24365",
            "m2",
            3,
            "drop",
        )
        return OUTCOMES, outcome("m2", "unknown", 2)

    assert (
        await ordered(
            "senders pause 24365 --by ann", fresh_cluster, tmp_path, DISPATCH_CONTROLS, paused
        )
        == 0
    )
    assert "24365 is paused by ann: 0 texts (0 segments) are queued." in capsys.readouterr().out
    again = ["senders", "pause", "24365", "--bootstrap", fresh_cluster, "--state", str(tmp_path)]
    assert await asyncio.to_thread(run, again) == 0
    assert "24365 is paused by ann: nothing to do." in capsys.readouterr().out
    assert (
        await ordered(
            "cancel m1 --reason moved", fresh_cluster, tmp_path, REQUEST_CANCELS, too_late
        )
        == 1
    )
    assert "too late: it is accepted" in capsys.readouterr().out
    assert await ordered("doubt drop m2", fresh_cluster, tmp_path, DISPATCH_CONTROLS, dropped) == 0
    assert "dropped: it is not sent again, and counts as unknown" in capsys.readouterr().out
