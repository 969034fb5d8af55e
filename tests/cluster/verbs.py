"""Three brokers for a test: who leads what, and how to hurt whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from services.local.broker import EmbeddedCluster
from streams.runtime.cluster_health import read_health, send_to_any
from tests.cluster.proxy import BrokerProxy

RAFT: Final = "__cluster_metadata"


class TestCluster:
    """Verbs that block run in a thread; `proxies` stand between the clients and each broker, if the
    cluster was opened with them."""

    __test__ = False

    def __init__(self, brokers: EmbeddedCluster, proxies: dict[int, BrokerProxy]) -> None:
        self.brokers = brokers
        self.proxies = proxies

    @property
    def bootstrap(self) -> str:
        return self.brokers.bootstrap

    async def kill(self, number: int) -> None:
        await asyncio.to_thread(self.brokers.kill, number)

    async def stop(self, number: int) -> None:
        await asyncio.to_thread(self.brokers.stop_node, number)

    async def start(self, number: int, *, wait: bool = True) -> None:
        await asyncio.to_thread(self.brokers.start_node, number, wait=wait)

    def pause(self, number: int) -> None:
        self.brokers.pause(number)

    def resume(self, number: int) -> None:
        self.brokers.resume(number)

    async def roll(self, between: float = 0.0) -> None:
        """One after the other, each once all copies are in sync again."""
        for number in self.brokers.nodes:
            await self.stop(number)
            await self.start(number)
            await self.until_in_sync()
            await asyncio.sleep(between)

    def cut(self, number: int) -> None:
        """Between all clients and this broker; the brokers see each other."""
        self.proxies[number].cut()

    def mend(self, number: int) -> None:
        self.proxies[number].mend()

    async def restore(self) -> None:
        """All nodes run, none is paused or cut off, all copies are in sync."""
        for proxy in self.proxies.values():
            proxy.mend()
        for number in self.brokers.nodes:
            self.resume(number)
        dead = [n for n in self.brokers.nodes if not self.brokers.is_alive(n)]
        for number in dead:
            await self.start(number, wait=False)
        await self.until_in_sync()

    async def leader_of(self, topic: str, partition: int) -> int:
        """Raises TimeoutError if there is none for a while."""
        async with self.client() as client, asyncio.timeout(30):
            while True:
                health = await read_health(client, [topic])
                for part in health.partitions:
                    if part.partition == partition and part.leader > 0:
                        return part.leader
                await asyncio.sleep(0.1)

    async def coordinator_of(self, transactional_id: str) -> int:
        async with self.client() as client, asyncio.timeout(30):
            while True:
                try:
                    return int(
                        await client.coordinator_lookup(
                            CoordinationType.TRANSACTION, transactional_id
                        )
                    )
                except KafkaError:
                    await asyncio.sleep(0.1)

    async def controller(self) -> int:
        """The active one.  Metadata names any broker, so the quorum is asked."""
        async with self.client() as client, asyncio.timeout(30):
            while True:
                answer = await send_to_any(client, QuorumRequest())
                leader = int(answer.topics[0][1][0][2]) if answer.topics else -1
                if leader > 0:
                    return leader
                await asyncio.sleep(0.1)

    async def until_in_sync(self, seconds: float = 120) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    async with self.client() as client:
                        health = await read_health(client)
                except (KafkaError, TimeoutError):
                    await asyncio.sleep(0.2)
                    continue
                lacking = any(part.is_under_replicated for part in health.partitions)
                if len(health.answering) == len(self.brokers.brokers) and not lacking:
                    return
                await asyncio.sleep(0.5)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AIOKafkaClient]:
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5000)
        await client.bootstrap()
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def open_cluster(
    folder: Path, *, proxied: bool = False, split: bool = False
) -> AsyncIterator[TestCluster]:
    """`proxied`: clients reach each broker through a proxy.  Raises BrokerError."""
    proxies = {number: BrokerProxy() for number in (1, 2, 3)} if proxied else {}
    brokers = EmbeddedCluster(
        folder,
        ephemeral=True,
        split=split,
        advertised={number: proxy.port for number, proxy in proxies.items()},
    )
    for number, proxy in proxies.items():
        proxy.target = brokers.own_port(number)
        await proxy.start()
    try:
        await asyncio.to_thread(brokers.start)
        yield TestCluster(brokers, proxies)
    finally:
        await asyncio.gather(*[proxy.stop() for proxy in proxies.values()])
        await asyncio.to_thread(brokers.stop)


class QuorumResponse_v0(Response):  # type: ignore[misc]  # noqa: N801
    """DescribeQuorum, which aiokafka does not know."""

    API_KEY = 55
    API_VERSION = 0
    _REPLICA = CompactArray(("replica_id", Int32), ("end", Int64), ("tags", TaggedFields))
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "topics",
            CompactArray(
                ("name", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("high_watermark", Int64),
                        ("voters", _REPLICA),
                        ("observers", _REPLICA),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class QuorumRequest_v0(RequestStruct):  # type: ignore[misc]  # noqa: N801
    FLEXIBLE_VERSION = True
    API_KEY = 55
    API_VERSION = 0
    RESPONSE_TYPE = QuorumResponse_v0
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("partitions", CompactArray(("partition", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class QuorumRequest(Request[QuorumRequest_v0]):  # type: ignore[misc]
    API_KEY = 55

    def build(self, request_struct_class: type[QuorumRequest_v0]) -> Any:
        return request_struct_class([(RAFT, [(0, {})], {})], {})
