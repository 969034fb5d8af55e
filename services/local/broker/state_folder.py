"""What the embedded broker keeps in a state folder: its lock, and its run file.

Theory of operation
-------------------
The lock says whether a broker runs. It is a `flock` on an open file descriptor, which the process
guard and the broker's Java both inherit. So the kernel holds it exactly as long as one of them
lives, no matter who started them and how that process ended. The lock file holds the id of the
process that started the broker, for the error message.

The run file (`running.json`) says where the broker was started: ports, cluster id, process id. It
outlives the broker, so that the next start takes the same ports. It proves nothing: whether the
broker runs is asked of the broker itself (`cluster_id`), and the answer must name the same cluster,
because another program may have the port by now.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import time
from pathlib import Path
from typing import Final, NamedTuple

from services.kafka import BrokerError
from services.ports import LOOPBACK

LOCK_TIMEOUT: Final = 15.0
"""Seconds that a broker gets to end by itself after the process that started it was killed."""

_METADATA_V2: Final = struct.pack(">hhihi", 3, 2, 1, -1, 0)
"""A Kafka request: API key, version, correlation id, no client id, an empty list of topics."""


class RunFile(NamedTuple):
    port: int
    controller_port: int
    cluster: str
    pid: int

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"


def broker_folder(state: Path) -> Path:
    """Where a state folder keeps its broker."""
    return state.resolve() / "broker"


def cluster_folder(state: Path, ephemeral: bool = False) -> Path:
    """Where a state folder keeps a cluster: a state folder for each node."""
    return state.resolve() / ("cluster.ephemeral" if ephemeral else "cluster")


def count_kept_brokers(state: Path) -> int:
    """How many brokers have data in this state folder; 0 if none was ever started."""
    nodes = len(list(cluster_folder(state).glob("node-*/broker/kept/data")))
    return nodes or int((broker_folder(state) / "kept" / "data").exists())


def find_running(state: Path) -> str | None:
    """The bootstrap address of the broker that another process runs for this state folder, or the
    addresses of those that it runs."""
    folders = [broker_folder(state), *sorted(state.resolve().glob("cluster*/node-*/broker"))]
    runs = [run for run in map(read_run_file, folders) if run]
    addresses = [run.bootstrap for run in runs if cluster_id(run.bootstrap) == run.cluster]
    return ",".join(addresses) or None


def read_run_file(folder: Path) -> RunFile | None:
    try:
        return RunFile(**json.loads((folder / "running.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_run_file(folder: Path, run: RunFile) -> None:
    draft = folder / "running.json.new"
    draft.write_text(json.dumps(run._asdict()))
    draft.replace(folder / "running.json")


def acquire_lock(lock: Path) -> int:
    """An open descriptor that holds the lock. Raises BrokerError when another broker holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for_lock(descriptor, lock)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_locked(lock: Path) -> bool:
    with lock.open("a") as file:
        return not _try_lock(file.fileno())


def _wait_for_lock(descriptor: int, lock: Path) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT
    while not _try_lock(descriptor):
        owner = int(os.pread(descriptor, 20, 0) or b"0")
        if owner and _is_alive(owner):
            raise BrokerError(
                f"A broker already runs in {lock.parent}, started by process {owner}; stop that"
                " one first, or name another state folder (SAYSO_STATE)."
            )
        if time.monotonic() > deadline:
            raise BrokerError(
                f"A broker still holds {lock}, although process {owner}, which started it, is"
                " gone; end that broker first."
            )
        time.sleep(0.02)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def cluster_id(bootstrap: str, timeout: float = 2.0) -> str | None:
    """The id of the cluster that answers there with at least one live broker; None without."""
    return ask_cluster(bootstrap, timeout)[0]


def ask_cluster(bootstrap: str, timeout: float = 2.0) -> tuple[str | None, int]:
    """The id of the cluster that answers there, and how many brokers live in it.

    An open port proves nothing: Kafka listens before it answers, and answers before its broker has
    registered. So this sends one Metadata request over a plain socket, in version 2, the oldest
    that returns the cluster id. A client library would wait and retry instead of saying no.
    """
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA_V2)) + _METADATA_V2)
            with connection.makefile("rb") as response:
                (size,) = struct.unpack(">i", response.read(4))
                return _parse_cluster(response.read(size))
    except (OSError, ValueError, struct.error, IndexError):
        return None, 0


def _parse_cluster(response: bytes) -> tuple[str | None, int]:
    brokers = struct.unpack_from(">i", response, 4)[0]
    offset = 8
    for _ in range(brokers):
        offset += 4  # node id
        offset = _skip_string(response, offset) + 4  # host, then port
        offset = _skip_string(response, offset)  # rack
    end = _skip_string(response, offset)
    return (response[offset + 2 : end].decode() if brokers > 0 else None), brokers


def _skip_string(response: bytes, offset: int) -> int:
    """Past a nullable string of Kafka: a length of two bytes (-1 for null), then the bytes."""
    return int(offset + 2 + max(0, struct.unpack_from(">h", response, offset)[0]))
