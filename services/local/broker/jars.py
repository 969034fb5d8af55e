"""The broker's jars: named by `jars.lock`, fetched once, verified at every start.

A line of `jars.lock` is what `sha256sum` prints, with Maven coordinates for a file name. It names
no address: jars come from Maven Central, or from the repositories in the user's `jgo.conf`.

The first verification of a jar reads it whole. After that its size and modification time stand for
it (`verified.json`), so that a start does not read 43 MB again.

`make lock-jars` writes the lock anew after a change of `WANTED`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.kafka import BrokerError
from services.local.broker.java import explain_os_error

LOCK: Final = Path(__file__).with_name("jars.lock")

WANTED: Final = (
    "org.apache.kafka:kafka_2.13:4.1.1!",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3!",  # without it the broker logs nothing
)
"""`!` (raw) keeps a jar's dependency management to itself. Otherwise log4j's bill of materials
would put kafka-clients 3.8 under a 4.1 broker."""

DOWNLOADS: Final = 4
"""At the same time."""
TRIES: Final = 2

_HEADER: Final = """\
# Apache Kafka's broker and what it needs: sha256 and Maven coordinates.
# Written by `make lock-jars`; every start verifies the jars against it.
"""

Stamps = Mapping[str, list[object]]
"""By file name: sha256, bytes and modification time (ns) when the jar was last read whole."""


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


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sayso" / "jars"


def classpath(cache: Path | None = None) -> list[Path]:
    """Every jar of the lock, fetched if it is missing, and verified. Raises BrokerError."""
    cache = cache or cache_folder()
    jars = read_lock()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        missing = [jar for jar in jars if not (cache / jar.file).is_file()]
        if missing:
            fetch(missing, cache)
        _verify(jars, cache)
    except OSError as error:
        raise explain_os_error(error, cache) from error
    return [cache / jar.file for jar in jars]


def read_lock() -> tuple[Jar, ...]:
    lines = (line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#"))
    return tuple(Jar(sha256, *coordinates.split(":")) for sha256, coordinates in lines)


def renew_lock() -> None:
    """Resolve `WANTED` and what it needs, and write the lock."""
    from jgo.maven import MavenContext  # noqa: PLC0415
    from jgo.parse import Coordinate  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        maven = MavenContext(repo_cache=Path(folder))
        wanted = [maven.create_dependency(Coordinate.parse(text)) for text in WANTED]
        roots, needed = maven.resolver.resolve(wanted)
        artifacts = [dependency.artifact for dependency in (*roots, *needed)]
        jars = [Jar(sha256_of(a.resolve()), a.groupId, a.artifactId, a.version) for a in artifacts]
    jars.sort(key=lambda jar: jar.coordinates)
    LOCK.write_text(_HEADER + "".join(f"{jar.sha256}  {jar.coordinates}\n" for jar in jars))


def sha256_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _verify(jars: Iterable[Jar], cache: Path) -> None:
    known = _read_stamps(cache)
    stamps: dict[str, list[object]] = {}
    for jar in jars:
        stat = (cache / jar.file).stat()
        stamps[jar.file] = [jar.sha256, stat.st_size, stat.st_mtime_ns]
        if known.get(jar.file) != stamps[jar.file] and sha256_of(cache / jar.file) != jar.sha256:
            raise BrokerError(
                f"{cache / jar.file} is damaged (its checksum is not the one in"
                " services/local/broker/jars.lock); delete that file and start again, and it is"
                " fetched anew."
            )
    if stamps != known:
        draft = cache / f"verified.json.{os.getpid()}"
        draft.write_text(json.dumps(stamps, indent=0))
        draft.replace(cache / "verified.json")


def _read_stamps(cache: Path) -> Stamps:
    try:
        stamps: Stamps = json.loads((cache / "verified.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stamps


def fetch(jars: Sequence[Jar], into: Path) -> None:
    """Fetch these jars by PyPI's `jgo`.

    A jar appears under its name only whole and with the right checksum, so an interrupted run
    leaves nothing behind. Raises BrokerError; OSError when the disk does not take it.
    """
    # jgo and rich take long to import, and most starts have nothing to fetch
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import track  # noqa: PLC0415

    console = Console(stderr=True)
    title = f"Fetching the broker, {len(jars)} jars"
    if not console.is_terminal:
        console.print(title)
    with tempfile.TemporaryDirectory(dir=into, prefix="fetching-") as folder:
        repositories = GlobalSettings.load().repositories or None
        maven = MavenContext(repo_cache=Path(folder), remote_repos=repositories)
        with ThreadPoolExecutor(DOWNLOADS) as threads:
            fetched = threads.map(lambda jar: _fetch_one(jar, maven, into), jars)
            hidden = not console.is_terminal
            try:
                for _ in track(fetched, title, len(jars), console=console, disable=hidden):
                    pass
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise


def _fetch_one(jar: Jar, maven: Any, into: Path) -> None:
    file = _download(jar, maven)
    if sha256_of(file) != jar.sha256:
        raise BrokerError(
            f"The repository gave another {jar.coordinates} than services/local/broker/jars.lock"
            " names (the checksum differs), so it was refused; try again from another network."
        )
    file.replace(into / jar.file)


def _download(jar: Jar, maven: Any) -> Path:
    from requests import RequestException  # noqa: PLC0415

    artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for tries_left in reversed(range(TRIES)):
        try:
            return Path(artifact.resolve())
        except RequestException as error:
            artifact.cached_path.unlink(missing_ok=True)
            if not tries_left:
                raise BrokerError(
                    "The broker's jars must be fetched once and the Maven repository cannot be"
                    f" reached ({jar.file}); connect to the network and start again, or point"
                    " SAYSO_BOOTSTRAP at a Kafka that runs."
                ) from error
        except RuntimeError as error:
            raise BrokerError(
                f"{jar.coordinates} is not to be had from the Maven repository: {error}."
            ) from error
    raise AssertionError("unreachable: the last try returns or raises")
