"""Standing still is noticed, by partition; moving slowly, and a broker that is away, are not taken
for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from streams.partition.task import PartitionTask
from streams.runtime.watchdog import Stalled, Watchdog
from tests.faults import counting

PROCESSOR = counting.counting("w")
FIRST, THEN = (topic.name for topic in PROCESSOR.inputs)


class Broker:
    """Every partition ends at 10; one that is away answers nothing."""

    away = False
    _client = None

    async def end_offsets(self, places: list[Any]) -> dict[Any, int]:
        if self.away:
            raise KafkaConnectionError("away")
        return dict.fromkeys(places, 10)


class Yard:
    """Two tasks, a clock by hand, and the watchdog's verdicts.  `read`: where the consumer
    stands, by partition."""

    def __init__(self) -> None:
        self.now, self.verdicts, self.broker = 1000.0, list[str](), Broker()
        counts = counting.counts("w", 2)
        self.tasks = {n: PartitionTask(PROCESSOR, n, counts) for n in range(2)}
        self.read = {0: 10, 1: 10}
        self.reopening: dict[int, float] = {}
        self.host: Any = SimpleNamespace(
            processor=PROCESSOR,
            live=True,
            generation=1,
            rebalances=0,
            progress_at=0.0,
            reopener=SimpleNamespace(under_way=self.reopening),
            fail_fast=self.take,
            app=SimpleNamespace(consumer=self),
            runners={n: SimpleNamespace(task=task) for n, task in self.tasks.items()},
        )
        self.offered_fetch: Any = None
        self._thread = SimpleNamespace(_consumer=self, call_thread=lambda ask: ask())
        self.dog = Watchdog(self.host, clock=lambda: self.now)

    def take(self, error: BaseException) -> None:
        assert isinstance(error, Stalled)
        self.verdicts.append(str(error))

    def assignment(self) -> set[Any]:
        return {TopicPartition(topic, n) for topic in (FIRST, THEN) for n in self.tasks}

    async def position(self, place: Any) -> int:
        return self.read[place.partition]

    async def look(self, times: int = 20) -> None:
        for _ in range(times):
            self.now += 5
            await self.dog._check_broker(self.broker)  # type: ignore[arg-type]


@pytest.fixture
def yard(monkeypatch: pytest.MonkeyPatch) -> Yard:
    async def find_no_ids(*_: Any) -> dict[str, str]:
        return {}

    monkeypatch.setattr("streams.runtime.watchdog.fetch_topic_ids", find_no_ids)
    return Yard()


async def test_who_has_read_all_may_rest(yard: Yard) -> None:
    await yard.look()
    assert yard.verdicts == []


async def test_a_partition_that_is_never_opened_again_is_noticed(yard: Yard) -> None:
    yard.reopening[1] = 1000.0
    await yard.look(14)
    assert yard.verdicts == ["partition 1 is opened again, and for 65 s nothing moved"]


async def test_one_record_is_enough(yard: Yard) -> None:
    """It may be a STOP."""
    yard.read[1] = 9
    await yard.look(13)
    assert yard.verdicts == []
    await yard.look(2)
    assert "partition 1 has something to read" in yard.verdicts[0]


async def test_a_moving_partition_does_not_hide_a_stalled_one(yard: Yard) -> None:
    yard.read = {0: 5, 1: 5}
    for _ in range(20):
        yard.tasks[0].serial += 1
        await yard.look(1)
    assert {verdict.split(" has")[0] for verdict in yard.verdicts} == {"partition 1"}


async def test_a_barrier_that_is_never_passed(yard: Yard) -> None:
    yard.tasks[0].set_barrier({FIRST: 11})
    await yard.look()
    assert yard.verdicts


async def test_partitions_that_are_never_opened(yard: Yard) -> None:
    yard.host.live = False
    await yard.look()
    assert "no partitions were opened" in yard.verdicts[0]


async def test_a_long_restore_is_no_standstill(yard: Yard) -> None:
    yard.host.live = False
    for _ in range(20):
        yard.host.progress_at += 1
        await yard.look(1)
    assert yard.verdicts == []


async def test_a_fetch_that_the_agent_never_takes(yard: Yard) -> None:
    yard.offered_fetch = SimpleNamespace(accepted=asyncio.Event())
    await yard.look()
    assert "not taken" in yard.verdicts[0]


async def test_a_broker_that_is_away_ends_no_watch(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch that died of it left the beat behind: a sound worker was ended for a silence
    that was not its own."""
    looks, enough = list[int](), asyncio.Event()
    yard.dog.every = 0.001

    class Away(Broker):
        def __init__(self, **kwargs: Any) -> None: ...

        async def start(self) -> None:
            looks.append(1)
            if len(looks) == 3:
                enough.set()
            raise KafkaConnectionError("away")

        async def stop(self) -> None: ...

    monkeypatch.setattr("streams.runtime.watchdog.AIOKafkaConsumer", Away)
    yard.host.bootstrap, yard.host.auth = "nowhere", {}
    watch = asyncio.create_task(yard.dog._watch())
    await enough.wait()
    assert not watch.done()
    watch.cancel()
