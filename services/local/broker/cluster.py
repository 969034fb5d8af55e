"""Several embedded brokers that replicate: they start and end with a Sayso process, as one does.

Each node is an `EmbeddedBroker` with a folder, ports, a node id and a process guard of its own.
They are brokers and controllers at once, or, `split`, three controllers stand beside the brokers.
Topics have three copies, two of which must be in sync (`cluster_node`): one broker may be away.

A node can be hurt while the others go on: `kill`, `stop`, `pause`, `resume`, `start_node`, `roll`.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from services.kafka import BrokerError
from services.local.broker import state_folder
from services.local.broker.cluster_node import Node
from services.local.broker.embedded import START_TIMEOUT, EmbeddedBroker
from services.local.broker.java import new_id
from services.ports import LOOPBACK, choose_port

CONTROLLERS: Final = 3
"""Of a split cluster: one may be away."""


class _Ports(NamedTuple):
    clients: int
    replicas: int
    controller: int


class EmbeddedCluster:
    """`with EmbeddedCluster(state) as cluster: ... cluster.bootstrap ...`, or `start()`, `stop()`.

    Nodes are named by their ids: brokers from 1 on, controllers of a split cluster behind them."""

    def __init__(
        self,
        state: Path,
        brokers: int = 3,
        *,
        ephemeral: bool = False,
        split: bool = False,
        advertised: Mapping[int, int] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`state`: its `cluster` folder holds everything.

        `ephemeral`: use data of its own, which is deleted at the end, or at the next start if this
        process is killed.
        `split`: controllers are nodes of their own.
        `advertised`: by broker, the port that clients are told instead of its own.
        `more`: Kafka properties beside ours.
        """
        self._home = state_folder.cluster_folder(state, ephemeral)
        self._ephemeral = ephemeral
        self._advertised = advertised or {}
        self._more = more
        self.brokers = tuple(range(1, brokers + 1))
        self.controllers = (
            tuple(range(brokers + 1, brokers + 1 + CONTROLLERS)) if split else self.brokers
        )
        self.nodes = tuple(sorted({*self.brokers, *self.controllers}))
        self._ports: dict[int, _Ports] = {}
        self._running: dict[int, EmbeddedBroker] = {}
        self._changing = threading.Lock()
        """Held by `stop` and `start_dead`, which two threads may call."""

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers, as clients are told them."""
        return ",".join(f"{LOOPBACK}:{self.port(number)}" for number in self.brokers)

    @property
    def alive(self) -> bool:
        return bool(self._running) and all(node.alive for node in self._running.values())

    @property
    def failure(self) -> BrokerError | None:
        """Why one of its nodes is not alive any more, although nobody stopped it."""
        found = (node.failure for node in self._running.values())
        return next((error for error in found if error), None)

    def port(self, number: int) -> int:
        """Where clients are told to find this broker."""
        return self._advertised.get(number) or self._ports[number].clients

    def own_port(self, number: int) -> int:
        """Where this broker listens, whatever clients are told."""
        self._choose_ports()
        return self._ports[number].clients

    def pid(self, number: int) -> int:
        """The process id of its Java."""
        return self._running[number].pid

    def is_alive(self, number: int) -> bool:
        return number in self._running and self._running[number].alive

    def start(self) -> str:
        """Start all nodes, wait until every broker serves and knows the others, and return their
        addresses. Raises BrokerError."""
        if self._ephemeral and not self._running:
            shutil.rmtree(self._home, ignore_errors=True)
        self._choose_ports()
        cluster = self._read_cluster_id() or new_id()
        for number in self.nodes:
            self._running.setdefault(number, self._build(number, cluster))
        try:
            self._running[self.nodes[0]].start(wait=False)  # the others copy its format
            _in_parallel([node.start for node in self._running.values()])
            self._wait_for_all()
        except BrokerError:
            self.stop()
            raise
        return self.bootstrap

    def stop(self) -> None:
        """End all nodes and wait for their end."""
        with self._changing:
            for number in self._running:
                if self._ephemeral:
                    self.kill(number)
                self.resume(number)
            _in_parallel([node.stop for node in self._running.values()])
            self._running.clear()
        if self._ephemeral:
            shutil.rmtree(self._home, ignore_errors=True)

    def kill(self, number: int) -> None:
        """SIGKILL, and wait for its end."""
        node = self._running[number]
        with suppress(ProcessLookupError):
            os.kill(node.pid, signal.SIGKILL)
        while node.alive:
            time.sleep(0.02)

    def stop_node(self, number: int) -> None:
        """As an operator would: it hands its partitions over first."""
        self.resume(number)
        self._running[number].stop()

    def start_node(self, number: int, *, wait: bool = True) -> None:
        """Start a node that was killed or stopped, where it was. Raises BrokerError."""
        self._running[number].start(wait=wait)

    def pause(self, number: int) -> None:
        """SIGSTOP: it keeps its connections and answers nobody, until `resume`."""
        os.kill(self.pid(number), signal.SIGSTOP)

    def resume(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self.is_alive(number):
                os.kill(self.pid(number), signal.SIGCONT)

    def start_dead(self) -> list[int]:
        """Start the nodes that ended although nobody stopped them; which. Raises BrokerError."""
        with self._changing:
            dead = [number for number, node in self._running.items() if node.failure]
            _in_parallel([self._running[number].start for number in dead])
        return dead

    def roll(self, between: float = 0.0) -> None:
        """Stop and start every node, one after the other, as for an upgrade. `between`: seconds
        from one's start to the next one's stop, for its partitions to catch up."""
        for number in self.nodes:
            self.stop_node(number)
            self.start_node(number)
            time.sleep(between)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _choose_ports(self) -> None:
        """The ports of the last start where they are free."""
        taken = {port for ports in self._ports.values() for port in ports}
        for number in self.nodes:
            if number in self._ports:
                continue
            last = state_folder.read_run_file(self._folder(number) / "broker")
            chosen: list[int] = []
            for preferred in (last and last.port, None, last and last.controller_port):
                port = choose_port(preferred=preferred)
                while port in taken:
                    port = choose_port()
                taken.add(port)
                chosen.append(port)
            self._ports[number] = _Ports(*chosen)

    def _build(self, number: int, cluster: str) -> EmbeddedBroker:
        ports = self._ports[number]
        node = Node(
            number,
            number in self.brokers,
            number in self.controllers,
            cluster,
            ",".join(f"{n}@{LOOPBACK}:{self._ports[n].controller}" for n in self.controllers),
            ports.replicas,
            self._folder(self.nodes[0]) / "broker" / "kept" / "data",
            self._advertised.get(number),
        )
        return EmbeddedBroker(
            self._folder(number),
            port=ports.clients,
            controller_port=ports.controller,
            node=node,
            more=self._more,
        )

    def _folder(self, number: int) -> Path:
        return self._home / f"node-{number}"

    def _read_cluster_id(self) -> str | None:
        """Of the nodes that have data already."""
        runs = (state_folder.read_run_file(self._folder(n) / "broker") for n in self.nodes)
        return next((run.cluster for run in runs if run), None)

    def _wait_for_all(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        wanted = len(self.brokers)
        for number in self.brokers:
            address = f"{LOOPBACK}:{self._ports[number].clients}"
            while state_folder.ask_cluster(address)[1] < wanted:
                if failure := self.failure:
                    raise failure
                if time.monotonic() > deadline:
                    raise BrokerError(
                        f"Broker {number} did not see all {wanted} brokers within"
                        f" {START_TIMEOUT:.0f} s; see {self._folder(number)}/broker/broker.log."
                    )
                time.sleep(0.05)


def _in_parallel(steps: Sequence[Callable[[], object]]) -> None:
    """No node serves before a majority of the controllers runs, so they start together."""
    with ThreadPoolExecutor(max(1, len(steps))) as pool:
        for done in [pool.submit(step) for step in steps]:
            done.result()
