"""Workers join, leave, are killed, sleep past their session and wake again: rows, outputs and
positions stay exact."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections import defaultdict
from typing import Any

import pytest

from tests.faults import chaos, counting
from tests.read_committed import records

pytestmark = pytest.mark.broker


async def weather(workers: chaos.Workers, seed: int) -> None:
    rng = random.Random(seed)
    for what in rng.sample(chaos.FAULTS, len(chaos.FAULTS)):
        await asyncio.sleep(rng.uniform(0.3, 1.2))
        await workers.one_fault(what, rng)
        await workers.revive()


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_random_faults_lose_and_repeat_nothing(bootstrap: str) -> None:
    prefix = f"storm-{uuid.uuid4().hex[:8]}"
    await chaos.make_topics(bootstrap, prefix)
    workers = chaos.Workers(bootstrap, prefix)
    for n in range(2):
        await workers.start(f"w{n}")
    try:
        sent, _ = await asyncio.gather(
            chaos.publish(bootstrap, prefix, seconds=14, rate=800), weather(workers, seed=11)
        )
        for instance in workers.running:
            workers.signal(instance, chaos.signal.SIGCONT)
        await asyncio.sleep(1)
        await workers.revive()
        counted = await chaos.wait_for_counts(bootstrap, prefix, sum(map(len, sent.values())))
        await asyncio.sleep(2)
        fired_timers = [
            json.loads(r.value)
            for r in await records(bootstrap, counting.topics(prefix)["woken"].name)
        ]
        rows = await records(bootstrap, counting.counting(prefix).state_topic.name)
    finally:
        await workers.end()
    assert workers.faults["SIGKILL"] >= 5, f"a run without kills proves nothing: {workers.faults}"
    assert_exact(sent, counted)
    assert_timers(sent, fired_timers)
    assert_state(sent, rows)


@pytest.mark.timeout(120)
async def test_a_rolling_restart_loses_nothing(bootstrap: str, record_property: Any) -> None:
    """Each of two workers told to end and started again, one after the other, while events come."""
    prefix = f"rolling-{uuid.uuid4().hex[:8]}"
    await chaos.make_topics(bootstrap, prefix)
    workers = chaos.Workers(bootstrap, prefix)
    names = ("w0", "w1")
    for name in names:
        await workers.start(name)
    try:
        for name in names:
            await workers.ready(name)
        load = asyncio.create_task(chaos.publish(bootstrap, prefix, seconds=10, rate=200))
        await chaos.restart_each(workers, names)
        sent = await load
        counted = await chaos.wait_for_counts(bootstrap, prefix, sum(map(len, sent.values())))
        record_property("longest wait", pause := await chaos.longest_wait(bootstrap, prefix))
        print(f"a rolling restart of two workers: no event waited longer than {pause:.1f} s")
    finally:
        await workers.end()
    assert workers.faults["SIGTERM"] == workers.faults["exit 0"] == len(names), workers.faults
    assert_exact(sent, counted)


def assert_exact(sent: dict[str, list[int]], counted: list[dict[str, Any]]) -> None:
    """Each event came to light once, judged once, and the counts run without a gap: no zombie
    wrote among them."""
    seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in counted:
        seen[one["key"]].append(one)
    for key, numbers in sent.items():
        assert sorted(abs(one["i"]) for one in seen[key]) == numbers, f"{key}: lost or repeated"
        assert [one["n"] for one in seen[key]] == numbers, f"{key}: two owners counted"


def assert_timers(sent: dict[str, list[int]], fired_timers: list[dict[str, Any]]) -> None:
    """No wake fired twice for one count, and the last count of every key was followed by one."""
    fired = [(one["key"], one["n"]) for one in fired_timers]
    assert len(fired) == len(set(fired))
    assert {(key, len(numbers)) for key, numbers in sent.items()} <= set(fired)


def assert_state(sent: dict[str, list[int]], records: list[Any]) -> None:
    """The changelog's last word, read by hand: eight bytes of wake, then JSON; and positions
    that count the rows."""
    last = {(r.partition, r.key): r.value for r in records}
    rows = {
        k.split(b"\x00")[0].decode(): json.loads(v[8:])
        for (_, k), v in last.items()
        if k[:1] != b"\x00"
    }
    assert {key: row["n"] for key, row in rows.items()} == {
        key: len(numbers) for key, numbers in sent.items()
    }
    assert {key: row["total"] for key, row in rows.items()} == {
        key: sum(numbers) for key, numbers in sent.items()
    }
    noted = [json.loads(value) for (_, key), value in last.items() if key[:1] == b"\x00"]
    assert sum(one["rows"] for one in noted) == len(rows)
