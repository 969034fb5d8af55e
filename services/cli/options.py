"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import places

Bootstrap = Annotated[
    str | None,
    typer.Option(
        parser=places.kafka,
        envvar="SAYSO_BOOTSTRAP",
        metavar="HOST:PORT",
        show_default=False,
        help="An existing Kafka. Without it: the broker that `sayso up` runs in this state folder.",
    ),
]
State = Annotated[
    Path,
    typer.Option(
        parser=places.folder,
        envvar="SAYSO_STATE",
        metavar="FOLDER",
        help="Where the broker's data, logs and ledger live.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show phone numbers and texts in full.")]
Tenant = Annotated[
    str | None, typer.Option("--tenant", "-t", metavar="TENANT", help="Of this tenant only.")
]

STATE = Path(".sayso")


def same(state: Path, bootstrap: str | None) -> str:
    """What a command that we print must say to mean the same house; nothing where that is the usual one."""
    return (f" --state {state}" if state != STATE else "") + (
        f" --bootstrap {bootstrap}" if bootstrap else ""
    )
