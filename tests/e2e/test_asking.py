"""On a real broker: people who were never asked are asked once and get their text once, while the gate is killed
between ask and answer and between answer and release."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.send_request import SendRequest
from schemas.topics import SEND_REQUESTS
from tests.e2e import stage, witness

pytestmark = pytest.mark.broker

YES = {"otherwise": {"fate": "delivered", "replies": [{"after_texts": 1, "body": "Yes", "delay": 1.5}]}}
PEOPLE = stage.NUMBERS[:40]


async def kill_the_gate(running: stage.Stage, times: int, each: float) -> None:
    last = None
    for _ in range(times):
        await asyncio.sleep(each)
        while (pid := running.pid("gate")) is None or pid == last:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        last = pid


async def ask(running: stage.Stage) -> set[str]:
    """Two texts for each; the second comes while the first one's ask may be anywhere."""
    names = set()
    for at, number in enumerate(PEOPLE * 2):
        request = SendRequest(message_id=f"m{at}", tenant=stage.TENANT, to=number, body=f"Text {at}", kind="direct",
                              requested_at=datetime.now(UTC))  # fmt: skip
        await running.publisher.publish(SEND_REQUESTS, request)
        names.add(request.message_id)
        await asyncio.sleep(0.02)
    return names


async def all_delivered(running: stage.Stage, asked: set[str], patience: float = 90) -> witness.Account:
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while True:
        found = await witness.settled(running.bootstrap, asked, running.journal, patience)
        if found.in_state("delivered") == asked or loop.time() > end:
            return found
        await asyncio.sleep(1)


@pytest.mark.timeout(240)
async def test_one_ask_and_one_release_whatever_is_killed(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SESSION_TIMEOUT", "3")
    async with stage.staged(tmp_path, fresh_cluster, YES) as running:
        asked, _ = await asyncio.gather(ask(running), kill_the_gate(running, times=5, each=0.7))
        found = await all_delivered(running, asked)
    assert found.in_state("delivered") == asked
    assert found.taken == dict.fromkeys(asked, 1)
    assert set(found.own_taken.values()) == {1}
    kinds = Counter((one["kind"], one["to"]) for one in found.own.values())
    assert kinds == dict.fromkeys(
        [(kind, number) for kind in ("consent_ask", "start_confirmation") for number in PEOPLE], 1
    )
