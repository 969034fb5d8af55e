"""`sayso waiting` and `sayso balance`: what waits, and whether every request is accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from schemas.reports import BalanceRow
from services.cli import options
from services.cli.connection import read_ledger
from services.ledger.reconciliation import Unaccounted
from services.ledger.waiting import Waiting
from services.ledger.waiting import list_waiting as read_waiting
from services.operations.balance import describe_balance, read_balance
from services.terminal import console, print_json, table

MOST_MISSING: Final = 50
"""Messages named on the screen; `--json` has them all."""


def waiting(
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show what waits and why: consent, approval, the hour, a sender's queue, a provider.

    Waiting is normal. A stuck text is not: what it waited for is over, and nothing happened. Then
    the exit code is 1.

    Example: [cyan]sayso waiting --tenant harbor[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        lines = read_waiting(ledger, tenant)
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
        console().print(table("Waiting", columns, map(_waiting_cells, lines)))
        total = sum(line.messages for line in lines)
        words = f"{stuck:,} of them are stuck" if stuck else "nothing is stuck"
        console().print(f"{total:,} wait; {words}", style="red" if stuck else "green")
    raise typer.Exit(1 if stuck else 0)


def _waiting_cells(line: Waiting) -> tuple[Any, ...]:
    return (
        line.cause,
        line.because,
        line.tenant,
        line.sender,
        line.messages,
        line.segments,
        format_seconds(line.drain),
        format_seconds((datetime.now(UTC) - line.since).total_seconds()),
        line.oldest,
        Text(f"{line.stuck:,}", style="red" if line.stuck else "dim"),
    )


def format_seconds(seconds: float | None) -> str:
    """Two figures are enough to act on."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def balance(
    tenant: options.Tenant = None,
    hours: Annotated[
        int,
        typer.Option(
            "--hours", min=1, max=24 * 366 * 100, metavar="N", help="How many hours back."
        ),
    ] = 24 * 7,
    everything: Annotated[
        bool, typer.Option("--all", help="Also show hours in which all is accounted for.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Reconcile by hour: requested = waiting + not sent + refused + out; name the missing.

    Exit code 1 if a message is not accounted for.

    Example: [cyan]sayso balance --tenant harbor --hours 24 --all[/]
    """
    now = datetime.now(UTC)
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = read_balance(ledger, tenant, hours, now)
    if as_json:
        print_json(describe_balance(found, everything=everything))
    else:
        _print_hours(found.rows if everything else found.unbalanced)
        if found.unbalanced:
            _print_missing(found.missing)
        else:
            what = f"{_count(found.requested, 'message')} in {_count(len(found.rows), 'hour')}"
            console().print(f"Everything is accounted for: {what}.", style="green")
    if found.unbalanced:
        raise typer.Exit(1)


def _print_hours(rows: Sequence[BalanceRow]) -> None:
    if not rows:
        return
    columns = (
        "tenant",
        "hour (UTC)",
        "requested#",
        "waiting#",
        "not sent#",
        "refused#",
        "out#",
        "residue#",
    )
    cells = [
        (
            row.tenant,
            f"{row.hour:%Y-%m-%d %H:00}",
            row.requested,
            row.waiting,
            row.not_sent,
            row.refused,
            row.out,
            row.residue,
        )
        for row in rows
    ]
    console().print(table(None, columns, cells))


def _print_missing(missing: Sequence[Unaccounted]) -> None:
    screen = console()
    for one in islice(missing, MOST_MISSING):
        screen.print(f"  {one.tenant}/{one.message_id} {one.why}")
    if len(missing) > MOST_MISSING:
        screen.print(f"  and {len(missing) - MOST_MISSING:,} more: --json names them all")
    screen.print(
        "What came in seconds ago may not be judged yet: look again."
        " Else: sayso explain, sayso dlq",
        style="yellow",
    )


def _count(many: int, what: str) -> str:
    return f"{many:,} {what}{'' if many == 1 else 's'}"
