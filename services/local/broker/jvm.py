"""The Java commands: format a log folder, run the broker."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from services.local.broker.diagnosis import explain
from services.local.broker.properties import server_properties, written

_LIGHT: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""Quick to start on two cores; a broker of one laptop has no use for parallel collectors."""
_LOGGING: Final = ("-Dlog4j2.configurationFile=log4j2.properties", "-Dlog4j2.disableJmx=true")
_BROKER: Final = ("-Xms128m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", "-XX:ErrorFile=crash.log")


class Java(NamedTuple):
    """A runtime and what to run."""

    program: Path
    jars: Sequence[Path]

    def command(self, *options: str, main: str, arguments: Sequence[str]) -> list[str]:
        classes = ":".join(str(jar) for jar in self.jars)
        return [str(self.program), *_LIGHT, *_LOGGING, *options, "-cp", classes, main, *arguments]

    def broker(self) -> list[str]:
        """To be run in its home, where `server.properties` is."""
        return self.command(*_BROKER, main="kafka.Kafka", arguments=["server.properties"])


def furnish(home: Path, *, port: int, controller_port: int, more: Mapping[str, str]) -> None:
    """Write what the broker reads at start."""
    shutil.copyfile(Path(__file__).with_name("log4j2.properties"), home / "log4j2.properties")
    for file, data in (("server.properties", "data"), ("format.properties", "data.new")):
        text = written(
            server_properties(port=port, controller_port=controller_port, data=data, more=more)
        )
        (home / file).write_text(text)


def format_once(java: Java, home: Path, *, port: int, users: Mapping[str, str]) -> str:
    """Make the log folder unless there is one, and tell its cluster's id.  All or nothing: an interrupted format
    leaves no folder that looks like a formatted one.  `users`: passwords, by SCRAM.  Raises BrokerError."""
    if not (home / "data").exists():
        shutil.rmtree(home / "data.new", ignore_errors=True)
        fresh = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ["format", f"--cluster-id={fresh}", "--config=format.properties"]
        for user, password in users.items():
            arguments += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
        with (home.parent / "broker.out").open("wb") as words:
            done = subprocess.run(
                java.command(main="kafka.tools.StorageTool", arguments=arguments),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                check=False,
            )
        if done.returncode:
            raise explain(home.parent, port, done.returncode)
        (home / "data.new").rename(home / "data")
    return _cluster_of(home / "data" / "meta.properties")


def _cluster_of(meta: Path) -> str:
    pairs = (line.partition("=") for line in meta.read_text().splitlines())
    return next(value for name, _, value in pairs if name == "cluster.id").replace("\\", "")
