"""The shortest of the cluster's faults, with a fixed seed: `make faults ARGS=--cluster` has all."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition

from tests.cluster import prefix_reader
from tests.cluster.prefix_reader import PrefixReader
from tests.faults.harness.catalog import FAULTS
from tests.faults.harness.runner import Plan, run_plan
from tests.faults.harness.verdict import find_texts_after_stop
from tests.faults.test_harness import call


@pytest.mark.broker
@pytest.mark.timeout(300)
async def test_a_leader_is_killed_and_no_text_is_lost_or_doubled() -> None:
    """Forty seconds on an idle machine: three brokers and four workers start for it."""
    plan = Plan([FAULTS["cluster-leader"]], quick=True, seed=5, call_timeout=1.0, rounds=1)
    (found,) = [verdict async for verdict in run_plan(plan, lambda words: None)]
    assert found.wrong == ()
    assert found.texts > 50


def test_a_text_after_a_stop_is_noticed() -> None:
    asked = {"a": ("+12125550100", 5.0), "b": ("+12125550101", 5.0), "c": ("+12125550100", 9.0)}
    calls = [call("a"), call("b")]
    assert find_texts_after_stop(asked, {"+12125550100": 6.0}, calls) == []
    assert find_texts_after_stop(asked, {"+12125550101": 4.0}, calls) == ["1 sent after a STOP: b"]


async def test_a_log_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    place = TopicPartition("t", 0)
    held = [SimpleNamespace(partition=0, offset=n, value=json.dumps(n).encode()) for n in range(3)]

    async def records(bootstrap: str, topic: str) -> list[SimpleNamespace]:
        return held

    monkeypatch.setattr(prefix_reader, "records", records)
    reader = PrefixReader("nowhere", "t")
    for record in held:
        reader._take(place, record.offset, prefix_reader._digest(record.value))
    assert await reader.compare() == []
    held[1] = SimpleNamespace(partition=0, offset=1, value=b"another")
    assert [said[:30] for said in await reader.compare()] == ["1 records vanished or changed:"]
    del reader.seen[0, 0]
    assert any("passed over" in said for said in await reader.compare())
    reader._take(place, 1, "")
    assert reader.wrong == ["t-0 went back to 1"]
