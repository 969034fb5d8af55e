"""The embedded broker: it starts in seconds, and ends with the process that started it.

Its data is kept in the state folder.

Theory of operation
-------------------
`start` takes the folder's lock, chooses ports, prepares the broker's home, and starts the process
guard, which starts Java. Then it asks the broker for its cluster id until the broker answers.

The lock's descriptor is handed down to the guard and to Java, and closed here: from then on the
lock is held by those two alone (`state_folder`). The guard ends Java when this process closes the
guard's standard input, or dies (`process_guard`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from services.kafka import BrokerError
from services.local.broker import state_folder
from services.local.broker.cluster_node import Node
from services.local.broker.jars import classpath
from services.local.broker.java import (
    Java,
    PortTaken,
    explain_exit,
    explain_os_error,
    find_java,
    prepare_home,
)
from services.local.broker.state_folder import RunFile
from services.ports import choose_port, is_free

START_TIMEOUT: Final = 180.0
"""Seconds a start may take on a machine that is busy, of several brokers at once."""
GRACE: Final = 20.0
"""Seconds a broker gets to write its logs at the end. An ephemeral one is killed: its data goes."""
PORT_TRIES: Final = 3

_GUARD: Final = Path(__file__).with_name("process_guard.py")


class EmbeddedBroker:
    """`with EmbeddedBroker(state) as broker: ... broker.bootstrap ...`, or `start()`, `stop()`."""

    def __init__(
        self,
        state: Path,
        ephemeral: bool = False,
        *,
        port: int | None = None,
        cache: Path | None = None,
        more: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
        node: Node | None = None,
        controller_port: int | None = None,
    ) -> None:
        """`state`: its `broker` folder holds everything; a second broker there is refused.

        `ephemeral`: use data of its own, which is deleted at the end; kept data is left alone.
        `port`: this port or none. By default the one of the last start, or any that is free.
        `cache`: the folder of the jars.
        `more`: Kafka properties beside ours.
        `users`: passwords of those who may log in, by name, where a listener asks for them.
        `node`: which one of a cluster it is. The cluster names both ports then.
        """
        self._folder = state_folder.broker_folder(state)
        self._home = self._folder / ("ephemeral" if ephemeral else "kept")
        self._ephemeral = ephemeral
        self._port = port
        self._cache = cache
        self._more = more or {}
        self._users = users or {}
        self._node = node
        self._controller_port = controller_port
        self._guard: subprocess.Popen[bytes] | None = None
        self._run: RunFile | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients find it, also while it is down between `stop()` and `start()`."""
        return self._last_run.bootstrap

    @property
    def pid(self) -> int:
        """The process id of Java, for tests that kill it."""
        return self._last_run.pid

    @property
    def alive(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    @property
    def failure(self) -> BrokerError | None:
        """Why it is not alive any more, although nobody stopped it."""
        if self._guard is None or self.alive:
            return None
        return explain_exit(self._folder, self._last_run.port, self._guard.returncode)

    def start(self, *, wait: bool = True) -> str:
        """Start it, wait until it serves, and return its bootstrap address. Raises BrokerError.

        `wait`: False for a node of a cluster without a majority, which serves nobody."""
        if self.alive:
            return self.bootstrap
        java = Java(find_java(), classpath(self._cache))
        self.stop()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = state_folder.acquire_lock(self._folder / "lock")
            try:
                self._start_on_some_port(java, lock, wait)
            finally:
                os.close(lock)  # the guard and the broker hold it from now on
        except OSError as error:
            raise explain_os_error(error, self._folder) from error
        return self.bootstrap

    def stop(self) -> None:
        """End it and wait for its end. Harmless when it is not running."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin
        guard.stdin.close()
        guard.wait()
        was_killed = guard.returncode < 0
        if was_killed and state_folder.is_locked(self._folder / "lock"):  # its broker lived on
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

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

    @property
    def _last_run(self) -> RunFile:
        if self._run is None:
            raise BrokerError("This broker was never started.")
        return self._run

    def _start_on_some_port(self, java: Java, lock: int, wait: bool) -> None:
        """Another program may take a port between our choice and Kafka's bind: then try another."""
        for tries_left in reversed(range(PORT_TRIES)):
            try:
                self._start_once(java, lock)
                if wait:
                    self._wait_until_it_serves(self._last_run)
                return
            except PortTaken:
                self.stop()
                if not tries_left or self._port:
                    raise

    def _start_once(self, java: Java, lock: int) -> None:
        if self._ephemeral:
            shutil.rmtree(self._home, ignore_errors=True)
        port, controller_port = self._choose_ports()
        cluster = prepare_home(
            java,
            self._home,
            port=port,
            controller_port=controller_port,
            more=self._more,
            users=self._users,
            node=self._node,
        )
        pid = self._launch(java, lock)
        self._run = RunFile(port, controller_port, cluster, pid)
        state_folder.write_run_file(self._folder, self._run)

    def _choose_ports(self) -> tuple[int, int]:
        last = self._run or state_folder.read_run_file(self._folder)
        if self._port and not is_free(self._port):
            raise PortTaken(self._port)
        port = self._port or choose_port(preferred=last and last.port)
        if self._controller_port:
            return port, self._controller_port
        return port, choose_port(preferred=last and last.controller_port, avoid=port)

    def _launch(self, java: Java, lock: int) -> int:
        """Start the guard, which starts Java; returns Java's process id."""
        grace = 0.0 if self._ephemeral else GRACE
        delete = str(self._home) if self._ephemeral else ""
        guard = [sys.executable, "-I", "-S", str(_GUARD)]
        options = [str(os.getpid()), str(lock), str(grace), delete]
        with (self._folder / "broker.out").open("wb") as output:
            self._guard = subprocess.Popen(
                [*guard, *options, *java.broker_command(self._node)],
                cwd=self._home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                pass_fds=[lock],
                start_new_session=True,
            )
        assert self._guard.stdout
        with self._guard.stdout as stdout:
            return int(stdout.readline() or b"0")

    def _wait_until_it_serves(self, run: RunFile) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self._serves(run):
            if failure := self.failure:
                raise failure
            if time.monotonic() > deadline:
                self.stop()
                raise BrokerError(
                    f"The broker did not answer within {START_TIMEOUT:.0f} s; see"
                    f" {self._folder}/broker.log."
                )
            time.sleep(0.02)

    def _serves(self, run: RunFile) -> bool:
        """A controller serves only nodes: that it listens is all that can be asked."""
        if self._node and not self._node.is_broker:
            return not is_free(run.controller_port)
        return state_folder.cluster_id(run.bootstrap) == run.cluster
