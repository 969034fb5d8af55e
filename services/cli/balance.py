"""`sayso balance`: does everything that was asked for stand somewhere?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Final

import typer

from services.cli import options

MOST: Final = 50
"""Messages named on the screen; `--json` has them all."""

Hours = Annotated[
    int, typer.Option("--hours", min=1, max=24 * 366 * 100, metavar="N", help="So many hours back.")
]
All = Annotated[bool, typer.Option("--all", help="Also the hours that balance.")]


def balance(
    tenant: options.Tenant = None,
    hours: Hours = 24 * 7,
    every: All = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """The books, hour by hour: requested = waiting + not sent + refused + out, and which messages are missing.

    Exit code 1 where they do not balance.

    Example: [cyan]sayso balance --tenant harbor --hours 24 --all[/]
    """
    from services.cli.kafka import ledger
    from services.cli.screen import print_json
    from services.ledger.balance import astray, row_of
    from services.ledger.balance import hours as in_use

    now = datetime.now(UTC)
    with ledger(bootstrap, state, tenant) as opened:
        found = in_use(opened, now - timedelta(hours=hours), now + timedelta(days=1), tenant)
        rows = [(hour, row_of(opened, hour, now)) for hour in found]
        off = [row for _, row in rows if row.residue or row.astray]
        named = [
            one for hour, row in rows if row.residue or row.astray for one in astray(opened, hour)
        ]
    if as_json:
        listed = [row for _, row in rows] if every else off
        shown = [row.model_dump(mode="json", exclude={"at", "astray"}) for row in listed]
        print_json(
            {
                "residue": sum(row.residue for _, row in rows),
                "hours": shown,
                "astray": [one._asdict() for one in named],
            }
        )
    else:
        _show([row for _, row in rows], off, named, every)
    if off:
        raise typer.Exit(1)


def _show(rows: list[Any], off: list[Any], named: list[Any], every: bool) -> None:
    from services.cli.screen import console, table

    screen, shown = console(), rows if every else off
    if shown:
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
        lines = [
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
            for row in shown
        ]
        screen.print(table(None, columns, lines))
    if not off:
        total = sum(row.requested for row in rows)
        what = f"{_counted(total, 'message')} in {_counted(len(rows), 'hour')}"
        screen.print(f"The books balance: {what}, none astray.", style="green")
        return
    for one in islice(named, MOST):
        screen.print(f"  {one.tenant}/{one.message_id} {one.why}")
    if len(named) > MOST:
        screen.print(f"  and {len(named) - MOST:,} more: --json names them all")
    screen.print(
        "What came in seconds ago may not be judged yet: look again. Else: sayso explain, sayso dlq",
        style="yellow",
    )


def _counted(many: int, what: str) -> str:
    return f"{many:,} {what}{'' if many == 1 else 's'}"
