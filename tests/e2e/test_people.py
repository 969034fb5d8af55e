"""A text for a person, on the real broker: it waits for a number, and moves with the person to
another one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.person import NumberChange, PersonEvent, PersonRequest
from schemas.topics import PERSON_EVENTS, PERSON_REQUESTS
from tests.e2e import running_stack, witness

pytestmark = pytest.mark.broker

SILENT, AGREED, OTHER = running_stack.NUMBERS[0], running_stack.NUMBERS[1], running_stack.NUMBERS[2]


def told(version: int, person: str, *numbers: str) -> PersonEvent:
    return PersonEvent(
        event_id=f"{person}-{version}",
        tenant=running_stack.TENANT,
        person_id=person,
        action="upsert",
        name="Jo Bell",
        numbers=tuple(NumberChange(number=number) for number in numbers),
        at=datetime.now(UTC),
    )


def asked(name: str, person: str) -> PersonRequest:
    return PersonRequest(
        message_id=name,
        tenant=running_stack.TENANT,
        person_id=person,
        body=f"Text {name}",
        kind="transactional",
        requested_at=datetime.now(UTC),
    )


async def until(running: running_stack.RunningStack, name: str, state: str) -> dict[str, Any]:
    """The outcome, once it says so."""
    async with asyncio.timeout(60):
        while True:
            outcomes = (await witness.read(running.bootstrap, "sms.outcomes"))["sms.outcomes"]
            for one in outcomes:
                if (one["message_id"], one["state"]) == (name, state):
                    return one  # type: ignore[no-any-return]
            await asyncio.sleep(0.2)


@pytest.mark.timeout(180)
async def test_a_text_waits_for_a_number_and_moves_with_its_person(
    fresh_cluster: str, tmp_path: Path
) -> None:
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        await running.opt_in([AGREED, OTHER])
        await running.publisher.publish(PERSON_EVENTS, told(1, "jo", SILENT))
        await running.publisher.publish_all(PERSON_REQUESTS, [asked("m1", "jo"), asked("m2", "al")])
        waits = await until(running, "m1", "held")
        lacks = await until(running, "m2", "held")
        assert (waits["to"], lacks.get("to"), lacks["next_step"]) == (
            SILENT,
            None,
            "add a mobile number",
        )

        await running.publisher.publish_all(
            PERSON_EVENTS, [told(2, "jo", AGREED), told(1, "al", OTHER)]
        )
        assert (await until(running, "m2", "delivered"))["to"] == OTHER
        assert (await until(running, "m1:moved-2", "delivered"))["to"] == AGREED
        assert (await until(running, "m1", "canceled"))["to"] == SILENT
        taken, _ = witness.provider(running.journal)
    assert [taken[name] for name in ("m1", "m1:moved-2", "m2")] == [0, 1, 1]
