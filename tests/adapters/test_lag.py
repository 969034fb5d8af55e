"""What is said of staged trouble: a table of windows, and a real broker for what a group looks
like there."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.observability.lag_monitor import LagMonitor
from services.observability.lag_report import (
    GroupPartition,
    GroupState,
    PartitionSample,
    Sample,
    Verdict,
    build_report,
    diagnose,
)
from streams.topology import GATE
from tests.faults.trouble.gate_worker import format_lag, start_gate_worker

STABLE, MOVING = (
    GroupState("Stable", 1, frozenset({("t", 0)})),
    GroupState("PreparingRebalance", 1, frozenset()),
)
EMPTY = GroupState("Empty", 0, frozenset())
GATE_READS = {"sayso.gate": [topic.name for topic in GATE.inputs]}


def window(
    *pairs: tuple[int | None, int], start: int = 0, oldest: int | None = 1
) -> list[PartitionSample]:
    return [PartitionSample(committed, start, end, oldest) for committed, end in pairs]


@pytest.mark.parametrize(
    ("stands", "group", "owned", "verdict", "says"),
    [
        pytest.param(window((None, 0)), STABLE, True, Verdict.OK, "", id="an empty topic"),
        pytest.param(window((5, 5), (5, 5), (5, 5)), STABLE, True, Verdict.OK, "", id="quiet"),
        pytest.param(window((5, 9), (7, 9), (9, 9)), STABLE, True, Verdict.OK, "", id="caught up"),
        pytest.param(
            window((5, 99), (25, 99), (45, 99)),
            STABLE,
            True,
            Verdict.OK,
            "catching up",
            id="a burst",
        ),
        pytest.param(
            window((5, 9), (6, 12), (7, 16)),
            STABLE,
            True,
            Verdict.WARN,
            "more comes in",
            id="too slow",
        ),
        pytest.param(
            window((5, 9), (6, 12), (9, 14)),
            STABLE,
            True,
            Verdict.OK,
            "catching up",
            id="not steadily",
        ),
        pytest.param(
            window((5, 9), (5, 9), (5, 9)),
            STABLE,
            True,
            Verdict.STALLED,
            "does not move",
            id="stuck",
        ),
        pytest.param(
            window((None, 3), (None, 3), (None, 4)),
            STABLE,
            True,
            Verdict.STALLED,
            "does not move",
            id="stuck from the beginning",
        ),
        pytest.param(
            window((5, 9), (5, 9)),
            STABLE,
            True,
            Verdict.OK,
            "too early",
            id="two looks prove nothing",
        ),
        pytest.param(
            window((5, 9), (5, 9), (5, 9), oldest=None),
            STABLE,
            True,
            Verdict.OK,
            "",
            id="only markers, or compacted away",
        ),
        pytest.param(
            window((5, 9), (5, 9), (5, 9)),
            EMPTY,
            False,
            Verdict.STOPPED,
            "no worker of",
            id="dead group",
        ),
        pytest.param(
            window((5, 5)),
            None,
            False,
            Verdict.STOPPED,
            "no worker of",
            id="a group that never was",
        ),
        pytest.param(
            window((5, 9), (5, 9), (5, 9)),
            STABLE,
            False,
            Verdict.STOPPED,
            "owns this",
            id="nobody's",
        ),
        pytest.param(
            window((5, 9), (5, 9), (5, 9)),
            MOVING,
            False,
            Verdict.WARN,
            "handed over",
            id="a rebalance",
        ),
        pytest.param(
            [PartitionSample(5, 0, 9, 1, gone=True)],
            STABLE,
            True,
            Verdict.STOPPED,
            "has shut down",
            id="ended, and its place is kept",
        ),
        pytest.param(
            [PartitionSample(9, 0, 9, gone=True)],
            STABLE,
            True,
            Verdict.STOPPED,
            "has shut down",
            id="ended, and nothing to read",
        ),
        pytest.param(
            [PartitionSample(5, 0, 9, 1, gone=True)],
            EMPTY,
            False,
            Verdict.STOPPED,
            "no worker of",
            id="ended, and left",
        ),
        pytest.param(
            [PartitionSample(5, 0, 9, 1, gone=True)],
            MOVING,
            False,
            Verdict.WARN,
            "handed over",
            id="another one comes",
        ),
        pytest.param(
            [PartitionSample(5, 0, 9, 1, gone=True), PartitionSample(6, 0, 9, 1)],
            STABLE,
            True,
            Verdict.OK,
            "catching up",
            id="another one has come",
        ),
        pytest.param(
            window((5, 90), start=20),
            STABLE,
            True,
            Verdict.STALLED,
            "up to 15 records",
            id="retention",
        ),
        pytest.param(
            window((5, 90), start=20),
            EMPTY,
            False,
            Verdict.STOPPED,
            "up to 15 records",
            id="retention, and nobody there",
        ),
        pytest.param(
            window((50, 9)), STABLE, True, Verdict.STALLED, "recreated", id="the topic was deleted"
        ),
    ],
)
def test_judge(
    stands: list[PartitionSample],
    group: GroupState | None,
    owned: bool,
    verdict: Verdict,
    says: str,
) -> None:
    found = diagnose(stands, group, owned)
    assert found.verdict is verdict
    assert says in found.cause
    assert bool(says) == bool(found.cause)


def test_rates_and_time_to_drain() -> None:
    place = GroupPartition("g", "t", 0)
    samples = [
        Sample(100.0 + i, {place: PartitionSample(10 * i, 0, 100 + 5 * i, 90_000)}, {"g": STABLE})
        for i in range(3)
    ]
    line = build_report(samples).lines[0]
    assert (line.lag, line.incoming, line.outgoing, line.drain) == (90, 5.0, 10.0, 18.0)
    assert line.seconds == pytest.approx(12.0)


def test_the_worst_is_first() -> None:
    good, bad = GroupPartition("g", "t", 0), GroupPartition("h", "t", 0)
    stands = {good: PartitionSample(5, 0, 5, 1), bad: PartitionSample(5, 0, 9, 1)}
    found = build_report([Sample(float(i), stands, {"g": STABLE, "h": EMPTY}) for i in range(3)])
    assert [line.group for line in found.lines] == ["h", "g"]
    assert found.worst is Verdict.STOPPED


@pytest.mark.broker
async def test_a_real_group_alive_stopped_and_overtaken_by_retention(
    bootstrap: str, make_topic
) -> None:
    """Every word comes from the broker: the reader is stopped without a commit, and records are
    deleted behind it."""
    topic = await make_topic("lag", partitions=1)
    group, place = f"{topic}.group", TopicPartition(topic, 0)
    await _produce(bootstrap, topic, 10)
    reader = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await reader.start()
    async with LagMonitor(bootstrap, {group: [topic]}) as watch:
        try:
            await reader.getone()
            await reader.commit({place: 4})
            for _ in range(3):
                found = await watch.take_sample()
            line = found.lines[0]
            assert (line.committed, line.end, line.lag, line.verdict) == (4, 10, 6, Verdict.STALLED)
            assert line.seconds > 0
            await reader.commit({place: 10})
            assert (await watch.take_sample()).lines[0].verdict is Verdict.OK
            await reader.commit({place: 2})
        finally:
            await reader.stop()
        stopped = (await watch.take_sample()).lines[0]
        assert (stopped.verdict, stopped.lag) == (Verdict.STOPPED, 8)
        await _delete_before(bootstrap, place, 7)
        lost = (await watch.take_sample()).lines[0]
        assert "5 records" in lost.cause


@pytest.mark.broker
@pytest.mark.timeout(120)
async def test_a_worker_that_shut_down_is_stopped_at_once(
    fresh_cluster: str, tmp_path: Path
) -> None:
    """Its place in the group is kept: for the broker it is a member that owns its partitions
    until its session ends."""
    async with (
        start_gate_worker(fresh_cluster, tmp_path) as staged,
        LagMonitor(fresh_cluster, GATE_READS) as watch,
    ):
        await staged.start()
        await staged.ask(4)
        assert await staged.lag_is("OK") == "OK"
        await staged.supervisor.stop()
        await staged.ask(40)
        found = await watch.take_sample()
        assert found.states == {"sayso.gate": "Stable"}
        assert {format_lag(line) for line in found.lines if line.lag} == {
            "STOPPED: its worker has shut down, and none has taken its place yet"
        }
        await staged.start()
        assert await staged.lag_is("OK") == "OK"
        assert not any("has shut down" in line.cause for line in (await watch.take_sample()).lines)


async def _produce(bootstrap: str, topic: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for i in range(count):
            await producer.send_and_wait(topic, str(i).encode(), partition=0)


async def _delete_before(bootstrap: str, place: TopicPartition, offset: int) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        await client.delete_records({place: RecordsToDelete(before_offset=offset)})
    finally:
        await client.close()
