"""`sayso --version`: which Sayso, on which Python, with which Kafka in its broker."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Annotated

import typer


def line() -> str:
    return f"sayso {_installed()}, Python {platform.python_version()}, embedded broker Apache Kafka {_kafka()}"


def _installed() -> str:
    try:
        return metadata.version("sayso")
    except metadata.PackageNotFoundError:  # run from a source tree that nothing was installed from
        return "(not installed)"


def _kafka() -> str:
    from services.local.broker import jar_lock

    broker = ("org.apache.kafka", "kafka_2.13")
    return next(jar.version for jar in jar_lock.read() if (jar.group, jar.artifact) == broker)


def _print(wanted: bool) -> None:
    if wanted:
        print(line())
        raise typer.Exit(0)


Option = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print, is_eager=True, help="Show which versions these are and exit."
    ),
]
