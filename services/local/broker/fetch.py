"""Fetch jars from Maven Central, or from the repositories named in the user's jgo.conf, by PyPI's jgo.

A jar appears under its name only whole and with the right checksum, so an interrupted run leaves nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import track

from services.kafka.errors import BrokerError
from services.local.broker.jar_lock import Jar
from services.local.broker.jars import sha256_of

AT_ONCE: Final = 4
TRIES: Final = 2


def fetch(jars: Sequence[Jar], into: Path) -> None:
    """Raises BrokerError; OSError when the disk will not have it."""
    screen = Console(stderr=True)
    what = f"Fetching the broker, {len(jars)} jars"
    if not screen.is_terminal:
        screen.print(what)
    with tempfile.TemporaryDirectory(dir=into, prefix="fetching-") as folder:
        maven = MavenContext(
            repo_cache=Path(folder), remote_repos=GlobalSettings.load().repositories or None
        )
        with ThreadPoolExecutor(AT_ONCE) as threads:
            arriving = threads.map(lambda jar: _fetch_one(jar, maven, into), jars)
            try:
                for _ in track(
                    arriving, what, len(jars), console=screen, disable=not screen.is_terminal
                ):
                    pass
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise


def _fetch_one(jar: Jar, maven: Any, into: Path) -> None:
    file = _download(jar, maven)
    if sha256_of(file) != jar.sha256:
        raise BrokerError(
            f"The repository gave another {jar.coordinates} than services/local/broker/jars.lock names (the checksum "
            "differs), so it was refused; try again from another network."
        )
    file.replace(into / jar.file)


def _download(jar: Jar, maven: Any) -> Path:
    artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for tries_left in reversed(range(TRIES)):
        try:
            return Path(artifact.resolve())
        except requests.RequestException as error:
            artifact.cached_path.unlink(missing_ok=True)
            if not tries_left:
                raise _unreachable(jar) from error
        except RuntimeError as error:
            raise BrokerError(
                f"{jar.coordinates} is not to be had from the Maven repository: {error}."
            ) from error
    raise AssertionError("unreachable: the last try returns or raises")


def _unreachable(jar: Jar) -> BrokerError:
    return BrokerError(
        f"The broker's jars must be fetched once and the Maven repository cannot be reached ({jar.file}); connect to "
        "the network and start again, or point SAYSO_BOOTSTRAP at a Kafka that runs."
    )
