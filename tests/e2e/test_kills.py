"""Every worker is killed in the middle of its work, again and again: nothing is lost, nothing
goes out twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e import stage, witness

pytestmark = pytest.mark.broker

ROOMS = ("gate", "dispatch", "outcomes", "usage", "inbox", "people")


async def kill_each(running: stage.Stage, rounds: int, seed: int) -> Counter[str]:
    """Each room `rounds` times, in random order, about a second apart."""
    rng, last, killed = random.Random(seed), dict[str, int](), Counter[str]()
    for room in rng.sample(ROOMS * rounds, len(ROOMS) * rounds):
        await asyncio.sleep(rng.uniform(0.3, 1.2))
        last[room] = await running.kill(room, last.get(room))
        killed[room] += 1
    return killed


@pytest.mark.timeout(300)
async def test_kills_lose_nothing_and_repeat_nothing(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SESSION_TIMEOUT", "3")
    script = {"otherwise": {"mix": {"delivered": 90, "undelivered:30005": 5, "rate-limit": 5}}}
    async with stage.staged(tmp_path, fresh_cluster, script) as running:
        await running.opt_in(stage.NUMBERS)
        killed, asked = await asyncio.gather(
            kill_each(running, rounds=3, seed=5),
            running.ask([f"m{n}" for n in range(700)], each=0.015),
        )
        found = await witness.settled(running.bootstrap, asked, running.journal)
        reported = await witness.reported(running.bootstrap)
        books = await witness.books(running.bootstrap, len(asked) + len(found.own))
    assert killed == dict.fromkeys(ROOMS, 3)
    assert set(found.outcomes) == asked, "lost"
    assert {name: n for name, n in (found.taken + found.own_taken).items() if n > 1} == {}, (
        "texted twice"
    )
    assert {call: n for call, n in found.calls.items() if n > 1} == {}, (
        "an attempt was called twice"
    )
    doubt, out = found.in_state("in_doubt"), found.in_state("delivered", "undelivered")
    absent = found.in_state(
        "deferred"
    )  # proven not to have been taken; an earlier owner's goes again in 15 minutes
    assert out | doubt | absent == asked, Counter(one["state"] for one in found.outcomes.values())
    assert {name for name, n in found.taken.items() if n} - doubt == out
    states = Counter(one["state"] for one in (*found.outcomes.values(), *found.own.values()))
    assert states == found.usage, "usage is not the recount"
    assert reported == witness.recounted([*found.outcomes.values(), *found.own.values()]), (
        "nor line by line"
    )
    assert books == (len(asked) + len(found.own), 0), "the books are off"
