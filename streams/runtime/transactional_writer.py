"""The one writer of a partition: a transactional producer that fences every earlier owner at the
broker.

Theory of operation

Each partition has a transactional id of its own.  When a producer starts with that id, the broker
raises the id's epoch: the transaction that an earlier owner left open is aborted, and whatever that
owner still sends under the old epoch is refused.  An owner that slept through a rebalance can
therefore write nothing that anybody reads.

Publications, state and positions of a batch go into one transaction, so that they become durable
together.

Four rules, each learnt from a test that broke without it.  Await every send before the commit, for
aiokafka's commit does not look at failed sends.  After any error leave the process: no abort, and
no second try in the same epoch.  Commit under a time-out.  Never repeat an EndTxn that got no
answer (`vendor_internals.StrictEndTxn`).

This replaces Faust's `exactly_once`, which loses records and hangs, and its acknowledgements.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.partition.task import PartitionTask
from streams.partition.transaction import NO_HEADERS, PartitionId, RecordContents, Transaction

BATCH_BYTES = 900 << 10
"""Below the broker's message.max.bytes of 1,048,588."""


def fill_batch(batch: BatchBuilder, records: Iterable[RecordContents]) -> int:
    """Add records until the batch is full; how many it took.

    It goes past `BatchBuilder.append`, whose Python takes as long as the C behind it."""
    append = batch._builder.append
    now = int(time.time() * 1000)
    taken = 0
    for key, value, headers in records:
        if append(taken, now, key, value, headers) is None:
            batch.close()
            break
        taken += 1
    batch._relative_offset = taken
    return taken


class TransactionalWriter:
    def __init__(
        self,
        bootstrap: str,
        name: str,
        *,
        transaction_timeout: float = 15,
        commit_timeout: float = 12,
        **auth: Any,
    ) -> None:
        """`name` is the transactional id; time-outs are in seconds."""
        self.name = name
        self.commit_timeout = commit_timeout
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            transactional_id=name,
            transaction_timeout_ms=int(transaction_timeout * 1000),
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=8 << 20,
            request_timeout_ms=20_000,
            retry_backoff_ms=20,
            **auth,
        )

    async def fence(self) -> None:
        """From the moment that this returns nobody else can commit for this partition."""
        await self._producer.start()

    async def commit(
        self, task: PartitionTask, tx: Transaction, on_sent: Callable[[], None] = lambda: None
    ) -> None:
        """Make the batch durable.  The caller ends the process on any exception.  `on_sent` is
        called when all records are at the broker and nothing is committed."""
        state = task.processor.state_topic.name
        async with asyncio.timeout(self.commit_timeout):
            await self._producer.begin_transaction()
            outgoing = tx.outgoing
            outgoing[state, task.partition] = [
                (key, value, NO_HEADERS) for key, value in task.build_changelog(tx)
            ]
            # One AddPartitionsToTxn for all; by itself the sender adds the first one alone.
            for partition in outgoing:
                self._producer._txn_manager.maybe_add_partition_to_txn(TopicPartition(*partition))
            futures = [
                future
                for partition, records in outgoing.items()
                for future in await self._send(partition, records)
            ]
            await asyncio.gather(*futures)
            on_sent()
            await self._producer.commit_transaction()

    async def _send(
        self, partition_id: PartitionId, records: list[RecordContents]
    ) -> list[asyncio.Future[Any]]:
        """One future per record batch instead of one per record: twice as fast as
        `producer.send`."""
        topic, partition = partition_id
        futures: list[asyncio.Future[Any]] = []
        taken = 0
        while taken < len(records):
            batch = self._producer.create_batch()
            fitted = fill_batch(batch, records[taken:] if taken else records)
            if not fitted:
                raise ValueError(
                    f"a record of {len(records[taken][1] or b'')} bytes for {topic} fits no batch"
                )
            taken += fitted
            futures.append(await self._producer.send_batch(batch, topic, partition=partition))
        return futures

    async def stop(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._producer.stop(), 3)
