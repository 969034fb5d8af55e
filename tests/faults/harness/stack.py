"""A stack to inject faults into: its own broker, the provider's simulator, the webhook, and
workers."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from services.kafka.publisher import Publisher
from services.kafka.topics import apply
from services.local import process_specs
from services.local.broker import EmbeddedBroker
from services.local.supervisor import Supervisor
from services.ports import LOOPBACK, choose_port
from tests.cluster.verbs import TestCluster, open_cluster
from tests.e2e.running_stack import write_script
from tests.faults.harness import texts
from tests.faults.harness.clocked import OFFSET
from tests.faults.harness.proxy import Proxy
from tests.faults.harness.watch import Watch
from tests.faults.harness.workers import Worker, WorkerPool

PARTITIONS: Final = 4
OF_A_CLUSTER: Final = 2
"""Partitions there: each has three copies, and the brokers share two cores."""
PROCESSORS: Final = ("gate", "dispatch", "outcomes", "usage")
SCRIPT: Final[dict[str, Any]] = {
    "otherwise": {"mix": {"delivered": 90, "undelivered:30005": 6, "sent": 4}},
    "senders": {"*": {"pace": 1000}},
}
"""Carriers of every day: the faults are what is switched on besides."""
SESSION_TIMEOUT: Final = 6.0
"""Seconds, shorter than the default of 15, so that the same things happen in less time."""


@dataclass
class FaultStack:
    folder: Path
    broker: EmbeddedBroker
    """The only one; of a cluster, none that runs."""
    where: process_specs.Addresses
    pool: WorkerPool
    proxy: Proxy
    watch: Watch
    publisher: Publisher
    http: aiohttp.ClientSession
    clock: Path
    """Seconds by which the workers' clocks are off: read again before each use."""
    cluster: TestCluster | None = None
    ran: int = 0
    asked: dict[str, tuple[str, float]] = field(default_factory=dict)
    """The number that each text was asked for, and when, on a monotonic clock."""
    stopped: dict[str, float] = field(default_factory=dict)
    """When each number's STOP was confirmed by Kafka."""

    @property
    def dispatch(self) -> Worker:
        return self.pool.workers["dispatch"]

    def set_clock_offset(self, offset: float) -> None:
        """To the workers that look (`clocked`), whole: a file that is half written is no number."""
        draft = self.clock.with_suffix(".new")
        draft.write_text(str(offset))
        draft.replace(self.clock)

    async def switch_on(self, name: str, **fault: Any) -> None:
        """At the provider (`services.local.simulator.faults`)."""
        async with self.http.put(self._fault(name), json=fault) as answer:
            if answer.status >= 300:
                raise RuntimeError(
                    f"the simulator does not take the fault {name}: {await answer.text()}"
                )

    async def switch_off(self, name: str) -> None:
        async with self.http.delete(self._fault(name)) as answer:
            await answer.read()

    def _fault(self, name: str) -> str:
        return f"{self.where.provider}/simulator/faults/{name}"

    async def wait_until_ready(self) -> None:
        """Whatever was stopped goes on, and every worker is ready."""
        if self.cluster is not None:
            await self.cluster.restore()
        elif not self.broker.alive:
            await asyncio.to_thread(self.broker.start)
        for worker in self.pool.workers.values():
            worker.signal(signal.SIGCONT)
        await self.pool.until_ready()


def _addresses(folder: Path) -> process_specs.Addresses:
    """Not the usual port of the webhook: another stack may run beside this one."""
    usual, port = process_specs.choose_addresses(folder, simulated=True), choose_port()
    return usual._replace(webhook_port=port, public_url=f"http://{LOOPBACK}:{port}")


@asynccontextmanager
async def start_stack(
    folder: Path, seed: int, call_timeout: float, cluster: str | None = None
) -> AsyncIterator[FaultStack]:
    """`folder` is there; `call_timeout`: seconds that dispatch waits for the provider, and the
    measure of how soon it looks for what is in doubt.  Ready to be asked for texts.  Raises
    BrokerError, ProcessFailed or NotReady."""
    async with (
        _open_kafka(folder, cluster) as (broker, brokers, bootstrap),
        _start_parts(folder, seed, call_timeout, bootstrap, 3 if brokers else 1) as made,
    ):
        yield FaultStack(folder, broker, *made, cluster=brokers)


@asynccontextmanager
async def _open_kafka(
    folder: Path, cluster: str | None
) -> AsyncIterator[tuple[EmbeddedBroker, TestCluster | None, str]]:
    if cluster:
        async with open_cluster(folder, proxied=True, split=cluster == "split") as brokers:
            yield EmbeddedBroker(folder), brokers, brokers.bootstrap
        return
    broker = EmbeddedBroker(folder)
    bootstrap = await asyncio.to_thread(broker.start)
    try:
        yield broker, None, bootstrap
    finally:
        await asyncio.to_thread(broker.stop)


@asynccontextmanager
async def _start_parts(
    folder: Path, seed: int, call_timeout: float, bootstrap: str, replication: int
) -> AsyncIterator[tuple[Any, ...]]:
    where = _addresses(folder)
    environment = process_specs.build_environment(bootstrap, folder, where) | {
        "SAYSO_SESSION_TIMEOUT": str(SESSION_TIMEOUT),
        "SAYSO_PROVIDER_TIMEOUT": str(call_timeout),
    }
    clock = folder / "clock"
    clock.write_text("0")
    supervisor = Supervisor(folder, lambda sentence: None)
    pool = WorkerPool(folder / "workers", environment | {OFFSET: str(clock)})
    proxy, watch = Proxy(where.provider_port, random.Random(seed)), Watch(bootstrap)
    publisher, http = Publisher(bootstrap, source="faults", timeout=20), aiohttp.ClientSession()
    try:
        partitions = PARTITIONS if replication == 1 else OF_A_CLUSTER
        await apply(bootstrap, partitions=partitions, replication=replication)
        await texts.settle_in(publisher)
        edges = process_specs.edge_specs(environment, where, write_script(folder, SCRIPT), seed)
        await supervisor.start([part for part in edges if part.name in ("simulator", "webhook")])
        await proxy.start()
        for processor in PROCESSORS:
            pool.join(processor)
        await pool.until_ready()
        watch.start()
        yield where, pool, proxy, watch, publisher, http, clock
    finally:
        for end in (watch.stop, pool.end, supervisor.stop, proxy.stop, http.close, publisher.stop):
            await end()
        await supervisor.close()
