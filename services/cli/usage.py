"""`sayso usage`: what was used, by tenant, sender, day, kind and fate."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.refused import Refused

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
    by: Annotated[
        str | None, typer.Option(metavar="COLUMNS", help="Add up what differs only in other columns, e.g. kind,state.")
    ] = None,
    fate: Annotated[str | None, typer.Option("--state-is", help="In this state only, e.g. delivered.")] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """The usage report, its total, and whether the books balance.

    Example: [cyan]sayso usage --tenant harbor --since 2026-11-01 --by day,state,code[/]
    """
    from services.cli.books import balanced
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json
    from services.ledger.usage import Filter
    from services.ledger.usage import usage as used

    first, last = (day.date() if day else None for day in (since, until))
    columns = _columns(by)
    wanted = Filter(tenant, first, last, sender, branch, kind, fate)
    with ledger(bootstrap, state) as opened:
        found = used(opened, wanted)
    books = balanced(found)
    if as_json:
        print_json(as_data(found) | {"balance": {"residue": books.residue, "says": books.sentence}})
        return
    screen = console()
    screen.print(as_table(found, columns))
    screen.print(books.sentence, style="green" if books.residue == 0 else "yellow")


def as_data(found: Usage) -> dict[str, Any]:
    return found._asdict() | {"rows": [row.model_dump(mode="json") for row in found.rows]}


COLUMNS = {"tenant": "tenant", "branch": "branch", "sender": "sender", "day": "period", "kind": "kind",
           "state": "state", "code": "error_code", "meaning": "error_title"}  # fmt: skip
"""What a column is called, and the row's field that it shows."""


def as_table(found: Usage, columns: tuple[str, ...] = tuple(COLUMNS)) -> Table:
    """Rows that differ in none of the columns are added up."""
    from services.cli.screen import table

    sums: dict[tuple[str, ...], tuple[int, int]] = {}
    for row in found.rows:
        name = tuple(str(getattr(row, COLUMNS[column]) or "") for column in columns)
        messages, segments = sums.get(name, (0, 0))
        sums[name] = (messages + row.messages, segments + row.segments)
    rows: list[tuple[Any, ...]] = [(*name, *counts) for name, counts in sorted(sums.items())]
    rows.append(("total", *[""] * (len(columns) - 1), found.messages, found.segments))
    return table("Usage", (*columns, "messages#", "segments#"), rows)


def _columns(by: str | None) -> tuple[str, ...]:
    if by is None:
        return tuple(COLUMNS)
    columns = tuple(name.strip() for name in by.split(","))
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise Refused(f"--by {unknown[0]!r} is not a column: use some of {', '.join(COLUMNS)}")
    return columns
