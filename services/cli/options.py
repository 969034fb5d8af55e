"""Options that several commands share, declared once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Bootstrap = Annotated[
    str | None,
    typer.Option(
        envvar="SAYSO_BOOTSTRAP", metavar="HOST:PORT", show_default=False,
        help="An existing Kafka. Without it: the broker that `sayso up` runs in this state folder.",
    ),
]  # fmt: skip
State = Annotated[
    Path, typer.Option(envvar="SAYSO_STATE", metavar="FOLDER", help="Where the broker's data, logs and ledger live.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show phone numbers and texts in full.")]
Tenant = Annotated[str | None, typer.Option("--tenant", "-t", metavar="TENANT", help="Of this tenant only.")]

STATE = Path(".sayso")


def day(written: str) -> datetime:
    """Its beginning, for the options that take a day."""
    try:
        return datetime.strptime(written, "%Y-%m-%d")
    except ValueError:
        raise typer.BadParameter(f"{written!r} is not a day such as 2026-11-20") from None


def same(state: Path, bootstrap: str | None) -> str:
    """What a command that we print must say to mean the same house; nothing where that is the usual one."""
    return (f" --state {state}" if state != STATE else "") + (f" --bootstrap {bootstrap}" if bootstrap else "")
