"""Which jars the broker is made of, and their checksums: `jars.lock`, read and written.

A line is what `sha256sum` prints, with Maven coordinates for a file name.  No addresses: where the jars come from is
the business of the one who fetches, what they are is not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

LOCK: Final = Path(__file__).with_name("jars.lock")

_HEADER: Final = """\
# Apache Kafka's broker and what it needs: sha256 and Maven coordinates.
# Written by `make lock-jars`; every start verifies the jars against it.
"""


class Jar(NamedTuple):
    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def coordinates(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def read(lock: Path = LOCK) -> tuple[Jar, ...]:
    lines = (line.split() for line in lock.read_text().splitlines() if not line.startswith("#"))
    return tuple(Jar(sha256, *coordinates.split(":")) for sha256, coordinates in lines)


def write(jars: Iterable[Jar], lock: Path = LOCK) -> None:
    ordered = sorted(jars, key=lambda jar: jar.coordinates)
    lock.write_text(_HEADER + "".join(f"{jar.sha256}  {jar.coordinates}\n" for jar in ordered))
