"""The broker's jars: in the user's cache, fetched once, verified at every start.

The first look at a jar reads it whole; after that its size and modification time stand for it (`verified.json`), so
that a start does not read 43 MB again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from services.kafka.errors import BrokerError, from_os
from services.local.broker import jar_lock
from services.local.broker.jar_lock import Jar

Stamps = Mapping[str, list[object]]
"""File name -> sha256, size in bytes, modification time in ns: as they were when the jar was last read whole."""


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sayso" / "jars"


def classpath(cache: Path | None = None) -> list[Path]:
    """Every jar of the lock, present and unaltered.  Raises BrokerError."""
    cache = cache or cache_folder()
    jars = jar_lock.read()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        missing = [jar for jar in jars if not (cache / jar.file).is_file()]
        if missing:
            from services.local.broker.fetch import (
                fetch,  # jgo takes long to import: only when needed
            )

            fetch(missing, cache)
        _verify(jars, cache)
    except OSError as error:
        raise from_os(error, cache) from error
    return [cache / jar.file for jar in jars]


def sha256_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _verify(jars: Iterable[Jar], cache: Path) -> None:
    known = _stamps(cache)
    now: dict[str, list[object]] = {}
    for jar in jars:
        stat = (cache / jar.file).stat()
        now[jar.file] = [jar.sha256, stat.st_size, stat.st_mtime_ns]
        if known.get(jar.file) != now[jar.file] and sha256_of(cache / jar.file) != jar.sha256:
            raise BrokerError(
                f"{cache / jar.file} is damaged (its checksum is not the one in services/local/broker/jars.lock); "
                "delete that file and start again, and it is fetched anew."
            )
    if now != known:
        _remember(cache, now)


def _stamps(cache: Path) -> Stamps:
    try:
        stamps: Stamps = json.loads((cache / "verified.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stamps


def _remember(cache: Path, stamps: Stamps) -> None:
    fresh = cache / f"verified.json.{os.getpid()}"
    fresh.write_text(json.dumps(stamps, indent=0))
    fresh.replace(cache / "verified.json")
