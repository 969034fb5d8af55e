"""One process at a time: what `sayso up` starts, for those who bring their own supervisor."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli import options
from services.cli.refused import Refused

ROOMS = ("people", "gate", "inbox", "dispatch", "outcomes", "usage")
"""As in `streams.topology`, which takes a second to import."""


def worker(
    room: Annotated[str, typer.Argument(metavar="ROOM", help=", ".join(ROOMS))],
    instance: Annotated[
        str | None, typer.Option(help="A stable name, so that a restart keeps its partitions.")
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Run one room's worker until SIGTERM.

    Example: [cyan]sayso worker gate --bootstrap kafka-1:9092[/]
    """
    if room not in ROOMS:
        raise Refused(f"There is no room {room!r}: it is one of {', '.join(ROOMS)}")
    _become(
        "services.workers", bootstrap, state, room, *(("--instance", instance) if instance else ())
    )


def webhook(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Take the provider's signed callbacks and put them on Kafka.

    Example: [cyan]SAYSO_PUBLIC_URL=https://sms.example.com sayso webhook --bootstrap kafka-1:9092[/]
    """
    _become("services.webhook", bootstrap, state)


def simulator(state: options.State = options.STATE) -> None:
    """Speak the provider's API on loopback, for trying things out: no text leaves the machine.

    Example: [cyan]sayso simulator[/]
    """
    _become("services.local.simulator", None, state, kafka=False)


def consents(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Take consent from forms over HTTP, for callers with an API key.

    Example: [cyan]sayso consents --bootstrap kafka-1:9092[/]
    """
    _become("services.consents", bootstrap, state)


def ledger(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Keep the ledger up with the topics.

    Example: [cyan]sayso ledger[/]
    """
    _become("services.ledger", bootstrap, state)


def exporter(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Tell Prometheus of lag, of what waits, and of the books; on SAYSO_METRICS_PORT, or 9308.

    Example: [cyan]sayso exporter[/]
    """
    _become("services.observability", bootstrap, state)


COMMANDS = (worker, webhook, consents, simulator, ledger, exporter)


def _become(
    module: str, bootstrap: str | None, state: Path, *arguments: str, kafka: bool = True
) -> None:
    """This process goes on as that one: signals and exit codes are its own."""
    from services.cli.kafka import bootstrap_of

    told = {"SAYSO_STATE": str(state)}
    if kafka:
        told["SAYSO_BOOTSTRAP"] = bootstrap_of(bootstrap, state)
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], {**os.environ, **told})
