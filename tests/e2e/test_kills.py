"""Every worker is killed in the middle of its work, again and again: nothing is lost, nothing
goes out twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e import running_stack, witness

pytestmark = pytest.mark.broker

ROUNDS = 2
KILLED = ("cases", "people", "gate", "inbox", "threads", "dispatch", "outcomes", "usage")


async def kill_each(running: running_stack.RunningStack, rounds: int, seed: int) -> Counter[str]:
    """Each processor `rounds` times, in random order, about a second apart."""
    rng, last, killed = random.Random(seed), dict[str, int](), Counter[str]()
    for processor in rng.sample(KILLED * rounds, len(KILLED) * rounds):
        await asyncio.sleep(rng.uniform(0.3, 1.2))
        last[processor] = await running.kill(processor, last.get(processor))
        killed[processor] += 1
    return killed


@pytest.mark.timeout(300)
async def test_kills_lose_nothing_and_repeat_nothing(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SESSION_TIMEOUT", "3")
    script = {"otherwise": {"mix": {"delivered": 90, "undelivered:30005": 5, "rate-limit": 5}}}
    async with running_stack.start_stack(tmp_path, fresh_cluster, script) as running:
        await running.opt_in(running_stack.NUMBERS)
        killed, asked = await asyncio.gather(
            kill_each(running, ROUNDS, seed=5),
            running.ask([f"m{n}" for n in range(450)], each=0.015),
        )
        found = await witness.wait_for_account(running.bootstrap, asked, running.journal)
        reported = await witness.read_usage_report(running.bootstrap)
        books = await witness.read_reconciliation(running.bootstrap, len(asked) + len(found.own))
    assert killed == dict.fromkeys(KILLED, ROUNDS)
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
    assert reported == witness.recount_usage([*found.outcomes.values(), *found.own.values()]), (
        "nor line by line"
    )
    assert books == (len(asked) + len(found.own), 0), "not all is accounted for"
