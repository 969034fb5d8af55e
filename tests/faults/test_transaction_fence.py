"""An owner that lost its partition can write nothing that anyone will read; and what happens
where nobody fences it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import IllegalOperation, KafkaError

from services.kafka.admin import admin_client
from streams.partition.changelog import Damaged, DataLoss
from streams.partition.task import PartitionTask
from streams.processing import Settings
from streams.runtime import vendor_internals
from streams.runtime.restore import restore
from streams.runtime.transactional_writer import TransactionalWriter
from tests.faults import counting, storm
from tests.read_committed import records

pytestmark = pytest.mark.broker


class Owner:
    """A lane of the counting room and its writer, driven by hand."""

    def __init__(self, bootstrap: str, prefix: str, name: str) -> None:
        vendor_internals.check()
        self.bootstrap, self.prefix = bootstrap, prefix
        self.lane = PartitionTask(
            counting.counting(prefix), 0, dict.fromkeys(counting.counts(prefix, 1), 1)
        )
        self.writer = TransactionalWriter(bootstrap, name, transaction_timeout=8)

    async def take_over(self) -> Owner:
        await self.writer.fence()
        await restore(self.bootstrap, [self.lane], lambda: True)
        return self

    async def judge(self, event: Any) -> None:
        self.lane.feed(event.topic, [event])
        tx = self.lane.begin(datetime.now(UTC))
        self.lane.evaluate(tx, Settings())
        await self.writer.commit(self.lane, tx)
        self.lane.mark_committed(tx)


@dataclass
class Stage:
    """A room's topics with two events in them, and owners that are put away at the end."""

    bootstrap: str
    prefix: str
    owners: list[Owner] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def owner(self, name: str = "0") -> Owner:
        self.owners.append(Owner(self.bootstrap, self.prefix, f"{self.prefix}-{name}"))
        return self.owners[-1]

    async def visible(self, isolation: str = "read_committed") -> list[int]:
        topic = counting.topics(self.prefix)["counted"].name
        return [
            json.loads(r.value)["n"]
            for r in await records(self.bootstrap, topic, isolation=isolation)
        ]


@pytest.fixture
async def stage(bootstrap: str) -> AsyncIterator[Stage]:
    made = Stage(bootstrap, f"fence-{uuid.uuid4().hex[:8]}")
    await storm.make_topics(bootstrap, made.prefix, partitions=1)
    then = counting.topics(made.prefix)["then"].name
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for i in (1, 2):
        await producer.send_and_wait(
            then, json.dumps({"key": "k", "i": i}).encode(), key=b"k", partition=0
        )
    await producer.stop()
    made.events = await records(bootstrap, then)
    yield made
    await asyncio.gather(*[owner.writer.stop() for owner in made.owners])


async def a_zombie_writes(stage: Stage, *, names: tuple[str, str]) -> list[int]:
    """One owner judges event 1; another takes over and judges event 2; then the first wakes and
    judges 2 as well."""
    first, second = stage.events
    old = await stage.owner(names[0]).take_over()
    await old.judge(first)
    new = await stage.owner(names[1]).take_over()
    await new.judge(second)
    with contextlib.suppress(
        KafkaError, TimeoutError, IllegalOperation
    ):  # it may hear of the fence between two sends
        await old.judge(second)
    return await stage.visible()


async def test_a_fenced_owner_writes_nothing_that_anyone_reads(stage: Stage) -> None:
    assert await a_zombie_writes(stage, names=("0", "0")) == [1, 2]


async def test_without_the_fence_the_zombie_is_heard(stage: Stage) -> None:
    """The fence switched off, by giving each owner a name of its own: the same event comes to
    light twice."""
    assert len(await a_zombie_writes(stage, names=("0", "1"))) == 3


async def test_a_half_written_transaction_is_nobodys(stage: Stage) -> None:
    """Killed between its sends and its commit: the successor's fence aborts it, and the event is
    judged again."""
    first, second = stage.events
    old = await stage.owner().take_over()
    await old.judge(first)
    await old.writer._producer.begin_transaction()
    await old.writer._producer.send_and_wait(
        counting.topics(stage.prefix)["counted"].name, b'{"n": 99}', partition=0
    )
    new = await stage.owner().take_over()
    assert new.lane.positions == old.lane.positions
    await new.judge(second)
    assert await stage.visible("read_uncommitted") == [1, 99, 2], "it was there"
    assert await stage.visible() == [1, 2]


async def test_positions_beyond_the_end_of_a_topic_are_data_loss(stage: Stage) -> None:
    """The owner does not believe them: the error names the topic, its end and the position."""
    owner = await stage.owner().take_over()
    owner.lane.positions[counting.topics(stage.prefix)["then"].name] = 6
    await owner.judge(stage.events[1]._replace(offset=6))
    with pytest.raises(DataLoss, match=r"then partition 0 ends at 2, but 7 was read"):
        await stage.owner().take_over()


async def test_a_changelog_without_positions_is_refused(stage: Stage) -> None:
    state = counting.counting(stage.prefix).state_topic.name
    producer = AIOKafkaProducer(bootstrap_servers=stage.bootstrap)
    await producer.start()
    await producer.send_and_wait(state, bytes(8) + b"{}", key=b"k\0count", partition=0)
    await producer.stop()
    with pytest.raises(Damaged, match="1 entries but no positions"):
        await stage.owner().take_over()


async def test_a_marker_that_retention_takes_is_no_loss(stage: Stage) -> None:
    """A quiet topic whose last record was written in a transaction: behind it stands a marker,
    and both grow old."""
    then = counting.topics(stage.prefix)["then"].name
    await in_a_transaction(stage, then)
    events = await records(stage.bootstrap, then)
    owner = await stage.owner().take_over()
    for event in events:
        owner.lane.note_position(then, 4)
        await owner.judge(event)
    async with admin_client(stage.bootstrap) as client:
        await client.delete_records({TopicPartition(then, 0): RecordsToDelete(before_offset=4)})
    assert (await stage.owner().take_over()).lane.positions == {then: 4}


async def test_the_barrier_stands_behind_an_open_transaction_too(stage: Stage) -> None:
    """A STOP was acknowledged, but committed readers see it only once an older transaction has
    ended."""
    first = counting.topics(stage.prefix)["first"].name
    async with open_transaction(stage, first):
        plain = AIOKafkaProducer(bootstrap_servers=stage.bootstrap)
        await plain.start()
        await plain.send_and_wait(first, b'{"key": "k", "i": 1}', key=b"k", partition=0)
        await plain.stop()
        assert (await stage.owner().take_over()).lane.barrier == {first: 2}


@contextlib.asynccontextmanager
async def open_transaction(stage: Stage, topic: str) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(
        bootstrap_servers=stage.bootstrap, transactional_id=f"{stage.prefix}-upstream"
    )
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(topic, b'{"key": "k", "i": 3}', key=b"k", partition=0)
            yield
    finally:
        await producer.stop()


async def in_a_transaction(stage: Stage, topic: str) -> None:
    async with open_transaction(stage, topic):
        pass
