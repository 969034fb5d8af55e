"""The gate is killed between its ask and the answer, and between the answer and the release: one
ask, one release."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from services.local.simulator.journal import read_entries
from tests.e2e import running_stack, witness

pytestmark = pytest.mark.broker

SAYS_START = {"fate": "delivered", "replies": [{"after_texts": 1, "body": "START", "delay": 1.5}]}
"""Longer than the gate takes to come back: some answers find it dead."""


async def kill_gate(running: running_stack.RunningStack, times: int) -> None:
    rng, last = random.Random(3), None
    for _ in range(times):
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        last = await running.kill("gate", last)


@pytest.mark.timeout(240)
async def test_one_ask_and_one_release_however_often_the_gate_dies(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SESSION_TIMEOUT", "3")
    async with running_stack.start_stack(
        tmp_path, fresh_cluster, {"otherwise": SAYS_START}
    ) as running:
        _, asked = await asyncio.gather(
            kill_gate(running, times=3), running.ask([f"m{n}" for n in range(120)], each=0.03)
        )
        found = await witness.wait_for_account(running.bootstrap, asked, running.journal)
    assert asked <= found.in_state("delivered")
    assert {name: found.taken[name] for name in asked} == dict.fromkeys(asked, 1)
    assert set(texts(running.journal, asks=True).values()) == {1}, "asked more than once, or never"
    assert set(texts(running.journal, asks=True)) == set(texts(running.journal, asks=False))


def texts(journal: Path, *, asks: bool) -> Counter[str]:
    """Texts that the provider took, by number: the asks, or all others."""
    taken: Counter[str] = Counter()
    for entry in read_entries(journal):
        if entry["event"] == "create" and entry["outcome"] == "taken":
            is_ask = entry["callback"]["message_id"].startswith("ask-")
            taken[entry["number"]] += is_ask is asks
    return +taken
