"""The embedded broker: starts in seconds, keeps its data in the state folder, ends with the process that started it."""

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

from services.kafka import probe
from services.kafka.errors import BrokerError, PortTaken, from_os
from services.local.broker import diagnosis, jvm, ports, record
from services.local.broker.claim import claim, is_held
from services.local.broker.jars import classpath
from services.local.broker.java import find_java
from services.local.broker.record import Record

START: Final = 60.0
"""Seconds a start may take on a machine that is busy."""
GRACE: Final = 20.0
"""Seconds a broker gets to write its logs out at the end; an ephemeral one is killed, its data goes anyway."""
PORT_TRIES: Final = 3

_KEEPER: Final = Path(__file__).with_name("keeper.py")


class EmbeddedBroker:
    """`with EmbeddedBroker(state) as broker: ... broker.bootstrap ...`; or `start()` and `stop()`.

    `state`: the folder whose `broker` folder holds all; a second broker there is refused.  `ephemeral`: on data of
    its own that is thrown away at the end; what an earlier start kept is left alone.  `port`: this one or none;
    by default the one of the last start, or any.  `cache`: where the jars are.  `more`: properties of Kafka's beside
    ours; `users`: those who may log in where such a listener asks, with their passwords."""

    def __init__(
        self,
        state: Path,
        ephemeral: bool = False,
        *,
        port: int | None = None,
        cache: Path | None = None,
        more: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = record.folder_of(state)
        self._home = self._folder / ("ephemeral" if ephemeral else "kept")
        self._ephemeral = ephemeral
        self._port = port
        self._cache = cache
        self._more, self._users = more or {}, users or {}
        self._keeper: subprocess.Popen[bytes] | None = None
        self._record: Record | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients find it, also while it is down between `stop()` and `start()`."""
        return self._started.bootstrap

    @property
    def pid(self) -> int:
        """The broker's own process, for those who want to hurt it."""
        return self._started.pid

    @property
    def alive(self) -> bool:
        return self._keeper is not None and self._keeper.poll() is None

    @property
    def failure(self) -> BrokerError | None:
        """Why it is not alive any more though nobody stopped it."""
        if self._keeper is None or self.alive:
            return None
        return diagnosis.explain(self._folder, self._started.port, self._keeper.returncode)

    def start(self) -> str:
        """Start it, wait until it serves, and tell where.  Raises BrokerError."""
        if self.alive:
            return self.bootstrap
        java = jvm.Java(find_java(), classpath(self._cache))
        self.stop()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = claim(self._folder / "lock")
            try:
                self._start_somewhere(java, lock)
            finally:
                os.close(lock)  # from now on it is the keeper's and the broker's
        except OSError as error:
            raise from_os(error, self._folder) from error
        return self.bootstrap

    def stop(self) -> None:
        """End it and wait for its end.  Harmless when it is not running."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        assert keeper.stdin
        keeper.stdin.close()
        keeper.wait()
        if keeper.returncode < 0 and is_held(
            self._folder / "lock"
        ):  # it was killed, and its broker lived on
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
    def _started(self) -> Record:
        if self._record is None:
            raise BrokerError("This broker was never started.")
        return self._record

    def _start_somewhere(self, java: jvm.Java, lock: int) -> None:
        """Between choosing a port and listening on it somebody may take it: then another one will do."""
        for tries_left in reversed(range(PORT_TRIES)):
            try:
                return self._start_once(java, lock)
            except PortTaken:
                self.stop()
                if not tries_left or self._port:
                    raise
        return None

    def _start_once(self, java: jvm.Java, lock: int) -> None:
        if self._ephemeral:
            shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(exist_ok=True)
        diagnosis.require_room(self._home)
        ours, controllers = self._ports()
        jvm.furnish(self._home, port=ours, controller_port=controllers, more=self._more)
        cluster = jvm.format_once(java, self._home, port=ours, users=self._users)
        pid = self._launch(java, lock)
        self._record = Record(ours, controllers, cluster, pid)
        record.write(self._folder, self._record)
        self._wait_until_it_serves()

    def _ports(self) -> tuple[int, int]:
        before = self._record or record.read(self._folder)
        if self._port and not ports.is_free(self._port):
            raise PortTaken(self._port)
        ours = self._port or ports.choose(before=before and before.port)
        return ours, ports.choose(before=before and before.controller_port, avoid=ours)

    def _launch(self, java: jvm.Java, lock: int) -> int:
        grace, throw_away = (0.0, str(self._home)) if self._ephemeral else (GRACE, "")
        keeper = [
            sys.executable,
            "-I",
            "-S",
            str(_KEEPER),
            str(os.getpid()),
            str(lock),
            str(grace),
            throw_away,
        ]
        with (self._folder / "broker.out").open("wb") as words:
            self._keeper = subprocess.Popen(
                [*keeper, *java.broker()],
                cwd=self._home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                pass_fds=[lock],
                start_new_session=True,
            )
        assert self._keeper.stdout
        with self._keeper.stdout as said:
            return int(said.readline() or b"0")

    def _wait_until_it_serves(self) -> None:
        deadline = time.monotonic() + START
        while probe.cluster_id(self.bootstrap) != self._started.cluster:
            if failure := self.failure:
                raise failure
            if time.monotonic() > deadline:
                self.stop()
                raise BrokerError(
                    f"The broker did not answer within {START:.0f} s; see {self._folder}/broker.log."
                )
            time.sleep(0.02)
