"""`sayso waiting`: what waits, and for what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from services.cli import options

if TYPE_CHECKING:
    from services.ledger.waiting import Waiting


def waiting(
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """What waits and why: consent, approval, the hour, its turn at the sender, a provider; the oldest of each.

    Waiting is as it should be, but for what is stuck: what it waited for is over and nothing happened. Exits 1 then.

    Example: [cyan]sayso waiting --tenant harbor[/]
    """
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table
    from services.ledger.waiting import waiting as found

    with ledger(bootstrap, state, tenant) as opened:
        lines = found(opened, tenant)
    stuck = sum(line.stuck for line in lines)
    if as_json:
        print_json([line._asdict() | {"since": line.since.isoformat()} for line in lines])
    elif not lines:
        console().print("Nothing waits.", style="green")
    else:
        columns = (
            "waits for",
            "",
            "tenant",
            "sender",
            "messages#",
            "segments#",
            "drained in#",
            "oldest#",
            "its id",
            "stuck#",
        )
        console().print(table("Waiting", columns, map(_cells, lines)))
        total = sum(line.messages for line in lines)
        says = (
            f"{total:,} wait; {stuck:,} of them are stuck"
            if stuck
            else f"{total:,} wait; nothing is stuck"
        )
        console().print(says, style="red" if stuck else "green")
    raise typer.Exit(1 if stuck else 0)


def _cells(line: Waiting) -> tuple[Any, ...]:
    from rich.text import Text

    return (
        line.cause,
        line.because,
        line.tenant,
        line.sender,
        line.messages,
        line.segments,
        spell(line.drain),
        spell((datetime.now(UTC) - line.since).total_seconds()),
        line.oldest,
        Text(f"{line.stuck:,}", style="red" if line.stuck else "dim"),
    )


def spell(seconds: float | None) -> str:
    """Two figures are enough to act on."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
