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
from tests.faults import chaos, counting
from tests.read_committed import records

pytestmark = pytest.mark.broker


class Owner:
    """A partition of the counting processor and its writer, driven by hand."""

    def __init__(self, bootstrap: str, prefix: str, name: str) -> None:
        vendor_internals.check()
        self.bootstrap, self.prefix = bootstrap, prefix
        self.task = PartitionTask(
            counting.counting(prefix), 0, dict.fromkeys(counting.counts(prefix, 1), 1)
        )
        self.writer = TransactionalWriter(bootstrap, name, transaction_timeout=8, commit_timeout=6)

    async def take_over(self) -> Owner:
        await self.writer.fence()
        await restore(self.bootstrap, [self.task], lambda: True)
        return self

    async def process(self, event: Any) -> None:
        self.task.feed(event.topic, [event])
        tx = self.task.begin(datetime.now(UTC))
        self.task.evaluate(tx, Settings())
        await self.writer.commit(self.task, tx)
        self.task.mark_committed(tx)


@dataclass
class FenceSetup:
    """A processor's topics with two events in them, and owners that are put away at the end."""

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
async def setup(bootstrap: str) -> AsyncIterator[FenceSetup]:
    made = FenceSetup(bootstrap, f"fence-{uuid.uuid4().hex[:8]}")
    await chaos.make_topics(bootstrap, made.prefix, partitions=1)
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


async def a_zombie_writes(setup: FenceSetup, *, names: tuple[str, str]) -> list[int]:
    """One owner processes event 1; another takes over and processes event 2; then the first wakes and
    processes 2 as well."""
    first, second = setup.events
    old = await setup.owner(names[0]).take_over()
    await old.process(first)
    new = await setup.owner(names[1]).take_over()
    await new.process(second)
    with contextlib.suppress(
        KafkaError, TimeoutError, IllegalOperation
    ):  # it may hear of the fence between two sends
        await old.process(second)
    return await setup.visible()


async def test_a_fenced_owner_writes_nothing_that_anyone_reads(setup: FenceSetup) -> None:
    assert await a_zombie_writes(setup, names=("0", "0")) == [1, 2]


async def test_without_the_fence_the_zombie_is_heard(setup: FenceSetup) -> None:
    """The fence switched off, by giving each owner a name of its own: the same event comes to
    light twice."""
    assert len(await a_zombie_writes(setup, names=("0", "1"))) == 3


async def test_a_half_written_transaction_is_nobodys(setup: FenceSetup) -> None:
    """Killed between its sends and its commit: the successor's fence aborts it, and the event is
    processed again."""
    first, second = setup.events
    old = await setup.owner().take_over()
    await old.process(first)
    await old.writer._producer.begin_transaction()
    await old.writer._producer.send_and_wait(
        counting.topics(setup.prefix)["counted"].name, b'{"n": 99}', partition=0
    )
    new = await setup.owner().take_over()
    assert new.task.positions == old.task.positions
    await new.process(second)
    assert await setup.visible("read_uncommitted") == [1, 99, 2], "it was there"
    assert await setup.visible() == [1, 2]


async def test_positions_beyond_the_end_of_a_topic_are_data_loss(setup: FenceSetup) -> None:
    """The owner does not believe them: the error names the topic, its end and the position."""
    owner = await setup.owner().take_over()
    owner.task.positions[counting.topics(setup.prefix)["then"].name] = 6
    await owner.process(setup.events[1]._replace(offset=6))
    with pytest.raises(DataLoss, match=r"then partition 0 ends at 2, but 7 was read"):
        await setup.owner().take_over()


async def test_a_changelog_without_positions_is_refused(setup: FenceSetup) -> None:
    state = counting.counting(setup.prefix).state_topic.name
    producer = AIOKafkaProducer(bootstrap_servers=setup.bootstrap)
    await producer.start()
    await producer.send_and_wait(state, bytes(8) + b"{}", key=b"k\0count", partition=0)
    await producer.stop()
    with pytest.raises(Damaged, match="1 entries but no positions"):
        await setup.owner().take_over()


async def test_a_marker_that_retention_takes_is_no_loss(setup: FenceSetup) -> None:
    """A quiet topic whose last record was written in a transaction: behind it stands a marker,
    and both grow old."""
    then = counting.topics(setup.prefix)["then"].name
    await in_a_transaction(setup, then)
    events = await records(setup.bootstrap, then)
    owner = await setup.owner().take_over()
    for event in events:
        owner.task.note_position(then, 4)
        await owner.process(event)
    async with admin_client(setup.bootstrap) as client:
        await client.delete_records({TopicPartition(then, 0): RecordsToDelete(before_offset=4)})
    assert (await setup.owner().take_over()).task.positions == {then: 4}


async def test_the_barrier_stands_behind_an_open_transaction_too(setup: FenceSetup) -> None:
    """A STOP was acknowledged, but committed readers see it only once an older transaction has
    ended."""
    first = counting.topics(setup.prefix)["first"].name
    async with open_transaction(setup, first):
        plain = AIOKafkaProducer(bootstrap_servers=setup.bootstrap)
        await plain.start()
        await plain.send_and_wait(first, b'{"key": "k", "i": 1}', key=b"k", partition=0)
        await plain.stop()
        assert (await setup.owner().take_over()).task.barrier == {first: 2}


@contextlib.asynccontextmanager
async def open_transaction(setup: FenceSetup, topic: str) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(
        bootstrap_servers=setup.bootstrap, transactional_id=f"{setup.prefix}-upstream"
    )
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(topic, b'{"key": "k", "i": 3}', key=b"k", partition=0)
            yield
    finally:
        await producer.stop()


async def in_a_transaction(setup: FenceSetup, topic: str) -> None:
    async with open_transaction(setup, topic):
        pass
