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
aiokafka's commit does not look at failed sends.  After any error give the writer up: no abort, and
no second try in the same epoch.  Commit under a time-out that is shorter than a request's: aiokafka
must never come to give a request up.  Never repeat a request that got no answer
(`strict_transactions`).

This replaces Faust's `exactly_once`, which loses records and hangs, and its acknowledgements.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.partition.task import PartitionTask
from streams.partition.transaction import NO_HEADERS, PartitionId, RecordContents, Transaction
from streams.runtime.cluster_health import PATIENCE, read_health
from streams.runtime.last_words import find_cause
from streams.runtime.strict_transactions import NoAnswer, describe_broker

MOST_NAMED: Final = 3
"""Partitions that an error names."""
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
        transaction_timeout: float = 20,
        commit_timeout: float = 16,
        request_timeout: float = 24,
        fence_timeout: float = 30,
        **auth: Any,
    ) -> None:
        """`name` is the transactional id; time-outs are in seconds.  Raises ValueError if a commit
        could outlast a request or its transaction."""
        if not commit_timeout < min(request_timeout, transaction_timeout):
            raise ValueError(
                f"a commit may take {commit_timeout:g} s: that must be less than a request's "
                f"{request_timeout:g} s and the transaction's {transaction_timeout:g} s"
            )
        self.name = name
        self.commit_timeout = commit_timeout
        self.fence_timeout = fence_timeout
        self._sent: list[tuple[PartitionId, asyncio.Future[Any]]] = []
        """Of the transaction under way: the batches, and what acknowledges them."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            transactional_id=name,
            transaction_timeout_ms=int(transaction_timeout * 1000),
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=8 << 20,
            request_timeout_ms=int(request_timeout * 1000),
            retry_backoff_ms=20,
            **auth,
        )

    async def fence(self) -> None:
        """From the moment that this returns nobody else can commit for this partition.

        Raises NoAnswer, which names the broker that is waited for and since when."""
        since = datetime.now(UTC)
        try:
            async with asyncio.timeout(self.fence_timeout):
                await self._producer.start()
        except TimeoutError:
            waiting = f"{self._waited_for()} since {since:%H:%M:%S} UTC"
            raise NoAnswer(f"{self.name} could not be taken over: {waiting}") from None

    async def commit(
        self, task: PartitionTask, tx: Transaction, on_sent: Callable[[], None] = lambda: None
    ) -> None:
        """Make the batch durable.  `on_sent` is called when all records are at the broker and
        nothing is committed.

        Raises LostAnswer if a connection ended while an answer was awaited: then the caller may go
        on with another writer and restored state.  Any other exception ends the process: NoAnswer,
        which names what is waited for and since when, and other errors of Kafka."""
        since = datetime.now(UTC)
        try:
            async with asyncio.timeout(self.commit_timeout):
                await self._commit(task, tx, on_sent)
        except TimeoutError:
            waiting = f"{self._waited_for()} since {since:%H:%M:%S} UTC"
            raise NoAnswer(
                f"a transaction of {self.name} was not committed: {waiting}"
                f"{await self._describe_copies()}"
            ) from None
        except (KafkaError, IllegalOperation) as error:  # illegal: an answer ended it meanwhile
            for _, sent in self._sent:
                if sent.done() and not sent.cancelled():
                    sent.exception()  # asyncio complains of those that nobody looks at
            raise self.find_cause(error) from error

    def find_cause(self, error: BaseException) -> BaseException:
        """What ended aiokafka's sender, if that has ended: it copies its errors, and a copy has no
        cause."""
        task: asyncio.Task[None] | None = self._producer._sender.sender_task
        if task is None or not task.done() or task.cancelled():
            return error
        ended_by = task.exception()
        return find_cause(ended_by) if ended_by else error

    async def _commit(
        self, task: PartitionTask, tx: Transaction, on_sent: Callable[[], None]
    ) -> None:
        state = task.processor.state_topic.name
        self._sent.clear()
        await self._producer.begin_transaction()
        outgoing = tx.outgoing
        outgoing[state, task.partition] = [
            (key, value, NO_HEADERS) for key, value in task.build_changelog(tx)
        ]
        # One AddPartitionsToTxn for all; by itself the sender adds the first one alone.
        for partition in outgoing:
            self._producer._txn_manager.maybe_add_partition_to_txn(TopicPartition(*partition))
        for partition, records in outgoing.items():
            self._sent += [(partition, sent) for sent in await self._send(partition, records)]
        await asyncio.gather(*[sent for _, sent in self._sent])
        on_sent()
        await self._producer.commit_transaction()

    def _waited_for(self) -> str:
        """Which step of a transaction or of a take-over is under way, and whose answer it wants."""
        client, transactions = self._producer.client, self._producer._txn_manager
        sender = self._producer._sender
        asked = getattr(sender, "asked_coordinator", None)
        coordinator = "no coordinator is known" if asked is None else describe_broker(client, asked)
        if not client.cluster.brokers():
            return "no broker answers"
        if not transactions.has_pid():
            return f"the coordinator does not answer ({coordinator})"
        if transactions.partitions_to_add():
            return f"the coordinator does not add partitions to it ({coordinator})"
        if unsent := self._unacknowledged():
            names = [f"{topic}-{number}" for topic, number in unsent]
            leaders = {client.cluster.leader_for_partition(TopicPartition(*one)) for one in unsent}
            known = [describe_broker(client, one) for one in sorted(leaders - {None, -1})]
            by = f" by {' and '.join(known)}" if known else ", which have no leader"
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            return f"no acknowledgement of {', '.join(names[:MOST_NAMED])}{more}{by}"
        return f"the coordinator does not confirm its end ({coordinator})"

    def _unacknowledged(self) -> list[PartitionId]:
        return sorted({partition for partition, sent in self._sent if not sent.done()})

    async def _describe_copies(self) -> str:
        """Which brokers do not answer, and how many copies of what is waited for are in sync; in
        words, to be appended.  Nothing if nobody can be asked."""
        unsent = self._unacknowledged()
        topics = {topic for topic, _ in unsent}
        try:
            async with asyncio.timeout(PATIENCE):
                health = await read_health(self._producer.client, topics, PATIENCE / 2)
        except (KafkaError, TimeoutError, OSError):
            return "; no broker answers"
        found = [part for part in health.partitions if (part.topic, part.partition) in unsent]
        said = [
            f"{part.name} has {len(part.in_sync)} of {len(part.copies)} copies in sync"
            for part in found
            if part.is_under_replicated
        ]
        if health.silent:
            said.append(health.describe_silent())
        return "".join(f"; {words}" for words in said[:MOST_NAMED])

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
