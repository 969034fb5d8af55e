"""A late EndTxn must commit nothing: `python -m tests.cluster.torn_batches --tries 1000`.

Each try writes a batch of two records and loses its EndTxn on the way: the proxy holds the request
back and resets the connection.  Whoever owns the partition then writes the first record of the next
batch, and only now the lost request arrives.  Then the owner dies, and its successor writes that
batch anew.  A batch of which half can be read was torn.

`--stock` does the same with aiokafka as it is, which sends the EndTxn again in the same epoch."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError
from aiokafka.producer import sender

from services.kafka.admin import admin_client, all_have_leaders, wait_for_topics
from services.local.broker import EmbeddedBroker
from services.ports import LOOPBACK, choose_port
from streams.runtime import strict_transactions, vendor_internals
from streams.runtime.transactional_writer import TransactionalWriter
from tests.cluster.proxy import END_TXN, BrokerProxy, Hold
from tests.read_committed import records

TOPIC: Final = "batches"
HALVES: Final = (0, 1)
"""Each half of a batch goes to a partition of its own."""


@contextlib.asynccontextmanager
async def proxied_broker(folder: Path) -> AsyncIterator[tuple[str, BrokerProxy]]:
    """One broker; who connects to the address reaches it through the proxy only."""
    port = choose_port()
    proxy = BrokerProxy(port)
    listener = {
        "listeners": f"PROXIED://{LOOPBACK}:{port}",
        "advertised.listeners": f"PROXIED://{LOOPBACK}:{proxy.port}",
        "listener.security.protocol.map": "PROXIED:PLAINTEXT",
    }
    broker = EmbeddedBroker(folder, ephemeral=True, more=listener)
    await asyncio.to_thread(broker.start)
    await proxy.start()
    try:
        yield f"{LOOPBACK}:{proxy.port}", proxy
    finally:
        await proxy.stop()
        await asyncio.to_thread(broker.stop)


@contextlib.contextmanager
def stock_handlers() -> Iterator[None]:
    """The mutation: aiokafka's own, which try again in the same epoch."""
    for name, strict in strict_transactions.HANDLERS.items():
        setattr(sender, name, strict.__bases__[1])
    try:
        yield
    finally:
        strict_transactions.install()


async def make_topic(bootstrap: str) -> None:
    async with admin_client(bootstrap) as client:
        await client.create_topics([NewTopic(TOPIC, len(HALVES), 1)])
        await wait_for_topics(client, [TOPIC], all_have_leaders)


class Partition:
    """One owner after the other, each of which fences the one before."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._bootstrap = bootstrap
        self._name = name
        self._writer: TransactionalWriter | None = None
        self.owners = 0

    async def take_over(self) -> None:
        await self.close()
        self._writer = TransactionalWriter(self._bootstrap, self._name)
        await self._writer.fence()
        self.owners += 1

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer.stop()

    async def write(self, batch: str, halves: tuple[int, ...] = HALVES) -> None:
        """Into a transaction that stays open."""
        assert self._writer
        producer = self._writer._producer
        await producer.begin_transaction()
        for half in HALVES:
            producer._txn_manager.maybe_add_partition_to_txn(TopicPartition(TOPIC, half))
        for half in halves:
            await producer.send_and_wait(TOPIC, batch.encode(), partition=half)

    async def write_and_commit(self, batch: str) -> None:
        await self.write(batch)
        await self.commit()

    def find_cause(self, error: BaseException) -> BaseException:
        assert self._writer
        return self._writer.find_cause(error)

    async def commit(self) -> None:
        assert self._writer
        await self._writer._producer.commit_transaction()


async def play(bootstrap: str, proxy: BrokerProxy, name: str, tries: int) -> Partition:
    partition = Partition(bootstrap, name)
    await partition.take_over()
    for number in range(tries):
        first, second = f"{name}-{number}-a", f"{name}-{number}-b"
        await partition.write(first)
        hold_next(proxy, END_TXN)
        try:
            await partition.commit()
        except KafkaError:  # nobody knows what became of it: the next owner looks
            await partition.take_over()
            await partition.write_and_commit(first)
        await partition.write(second, (0,))
        await proxy.release()
        await partition.take_over()  # the owner has died in the middle of its batch
        await partition.write_and_commit(second)
    await partition.close()
    return partition


def hold_next(proxy: BrokerProxy, api_key: int) -> None:
    """The next request of this kind, and no other."""
    proxy.hold = next_only(proxy, "hold", api_key)


def next_only(proxy: BrokerProxy, what: str, api_key: int) -> Hold:
    """For `proxy.hold` or `proxy.lose`: true for the next request of this kind, and no other."""

    def is_next(key: int) -> bool:
        if key != api_key:
            return False
        setattr(proxy, what, None)
        return True

    return is_next


async def torn_batches(bootstrap: str, name: str) -> list[str]:
    """Those of which a committed reader sees one half more often than the other."""
    seen = Counter((one.value.decode(), one.partition) for one in await records(bootstrap, TOPIC))
    batches = {batch for batch, _ in seen if batch.startswith(f"{name}-")}
    return sorted(batch for batch in batches if seen[batch, 0] != seen[batch, 1])


async def run(tries: int, stock: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="sayso-torn-") as folder:
        async with proxied_broker(Path(folder)) as (bootstrap, proxy):
            await make_topic(bootstrap)
            vendor_internals.check()
            with stock_handlers() if stock else contextlib.nullcontext():
                partition = await play(bootstrap, proxy, "try", tries)
            torn = await torn_batches(bootstrap, "try")
    found = {"tries": tries, "owners": partition.owners, "torn": len(torn), "first": torn[:3]}
    print(json.dumps(found))
    return 1 if torn else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--stock", action="store_true")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return asyncio.run(run(given.tries, given.stock))


if __name__ == "__main__":
    sys.exit(main())
