"""`sayso usage`: what was used, by tenant, sender, day, kind and fate."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from services.ledger.usage import Usage

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", show_default=False)]


def usage(
    tenant: options.Tenant = None,
    since: Day = None,
    until: Day = None,
    sender: Annotated[str | None, typer.Option(help="From this sender only.")] = None,
    branch: Annotated[str | None, typer.Option(help="Of this branch only.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind only.")] = None,
    fate: Annotated[str | None, typer.Option("--state-is", help="In this state only, e.g. delivered.")] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """The usage report, its total, and whether the books balance.

    Example: [cyan]sayso usage --tenant harbor --since 2026-11-01[/]
    """
    from services.cli.books import balanced
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json
    from services.ledger.usage import Filter
    from services.ledger.usage import usage as used

    first, last = (day.date() if day else None for day in (since, until))
    wanted = Filter(tenant, first, last, sender, branch, kind, fate)
    with ledger(bootstrap, state) as opened:
        found = used(opened, wanted)
    books = balanced(found)
    if as_json:
        print_json(as_data(found) | {"balance": {"residue": books.residue, "says": books.sentence}})
        return
    screen = console()
    screen.print(as_table(found))
    screen.print(books.sentence, style="green" if books.residue == 0 else "yellow")


def as_data(found: Usage) -> dict[str, Any]:
    return found._asdict() | {"rows": [row.model_dump(mode="json") for row in found.rows]}


def as_table(found: Usage) -> Table:
    from services.cli.screen import table

    rows: list[tuple[Any, ...]] = [
        (row.tenant, row.branch, row.sender, row.period.isoformat(), row.kind, row.state, row.error_code,
         row.error_title, row.messages, row.segments)
        for row in found.rows
    ]  # fmt: skip
    rows.append(("total", "", "", "", "", "", "", "", found.messages, found.segments))
    names = ("tenant", "branch", "sender", "day", "kind", "state", "code", "meaning", "messages#", "segments#")
    return table("Usage", names, rows)
