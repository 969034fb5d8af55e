"""`sayso usage`: what was used, by tenant, sender, day, kind and fate."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import moments, options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from rich.table import Table

    from schemas.usage_row import UsageRow
    from services.ledger import Ledger
    from services.ledger.usage import Filter, Usage


class Form(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSONL = "jsonl"


_DAY: Any = {"parser": moments.day, "metavar": "YYYY-MM-DD", "show_default": False}
From = Annotated[
    date | None, typer.Option("--from", "--since", help="The first day, the tenant's own.", **_DAY)
]
To = Annotated[date | None, typer.Option("--to", "--until", help="The last day.", **_DAY)]


def usage(
    tenant: options.Tenant = None,
    since: From = None,
    until: To = None,
    sender: Annotated[str | None, typer.Option(help="From this sender only.")] = None,
    branch: Annotated[str | None, typer.Option(help="Of this branch only.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind only.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMNS", help="Add up what differs only in other columns, e.g. kind,state."
        ),
    ] = None,
    fate: Annotated[
        str | None, typer.Option("--state-is", help="In this state only, e.g. delivered.")
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help="Every message, one by one, instead of sums.")
    ] = False,
    as_: Annotated[Form, typer.Option("--as", help="The log's form.")] = Form.TABLE,
    check: Annotated[
        bool, typer.Option("--check", help="Where the provider bills other than we predicted.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """The usage report with its cost, its total, and whether the books balance; or each message of a period.

    Example: [cyan]sayso usage --tenant harbor --from 2026-11-01 --by day,state,code[/]

    Or: [cyan]sayso usage --from 2026-11-01 --to 2026-11-30 --log --as csv > november.csv[/]
    """
    moments.in_order(since, until, ("--from", "--to"))
    if log:
        from services.cli.usage_log import print_log
        from services.ledger.message_log import Period

        only = [
            name
            for name, value in (
                ("--sender", sender),
                ("--branch", branch),
                ("--kind", kind),
                ("--by", by),
                ("--state-is", fate),
            )
            if value
        ]
        if only:
            raise Refused(
                f"{only[0]} does not go with --log: it has every message, to be filtered by what reads it"
            )
        print_log(
            bootstrap, state, Period(since, until, tenant), Form.JSONL if as_json else as_, unmask
        )
        return
    if check:
        from services.cli.usage_check import print_check

        print_check(bootstrap, state, tenant, as_json)
        return
    from services.cli.books import balanced
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json
    from services.ledger.usage import Filter
    from services.ledger.usage import usage as used

    columns = _columns(by)
    wanted = Filter(tenant, since, until, sender, branch, kind, fate)
    with ledger(bootstrap, state, tenant) as opened:
        _known(opened, wanted)
        found = used(opened, wanted)
    books = balanced(found)
    if as_json:
        print_json(as_data(found) | {"balance": {"residue": books.residue, "says": books.sentence}})
        return
    screen = console()
    screen.print(as_table(found, columns))
    if screen.is_terminal:
        screen.print(chart(found))
    screen.print(books.sentence, style="green" if books.residue == 0 else "yellow")


def as_data(found: Usage) -> dict[str, Any]:
    return found._asdict() | {"rows": [row.model_dump(mode="json") for row in found.rows]}


def _known(ledger: Ledger, wanted: Filter) -> None:
    """Raises Refused for a kind, a state or a sender that there is not, nor ever was."""
    from schemas.send_request import Kind
    from schemas.system_kind import SystemKind
    from services.cli.input import one_of
    from streams.lifecycle import State

    def on_record(column: str) -> Iterable[str]:
        return (row["it"] for row in ledger.rows(f"SELECT DISTINCT {column} AS it FROM usage"))

    one_of("--kind", wanted.kind, Kind, SystemKind, on_record("kind"))
    one_of("--state-is", wanted.state, State, on_record("state"))
    senders = (row["sender"] for row in ledger.rows("SELECT sender FROM senders"))
    one_of("--sender", wanted.sender, senders, filter(None, on_record("sender")))


COLUMNS = {
    "tenant": "tenant",
    "branch": "branch",
    "sender": "sender",
    "day": "period",
    "kind": "kind",
    "state": "state",
    "code": "error_code",
    "meaning": "error_title",
}
"""What a column is called, and the row's field that it shows."""


def as_table(found: Usage, columns: tuple[str, ...] = tuple(COLUMNS)) -> Table:
    """Rows that differ in none of the columns are added up."""
    from services.cli.screen import table

    sums: dict[tuple[str, ...], list[UsageRow]] = {}
    for row in found.rows:
        sums.setdefault(
            tuple(str(getattr(row, COLUMNS[column]) or "") for column in columns), []
        ).append(row)
    rows: list[tuple[Any, ...]] = [(*name, *_sums(rows)) for name, rows in sorted(sums.items())]
    rows.append(("total", *[""] * (len(columns) - 1), *_sums(found.rows)))
    return table("Usage", (*columns, "messages#", "segments#", "cost#"), rows)


def _sums(rows: Iterable[UsageRow]) -> tuple[int, int, str]:
    rows = tuple(rows)
    return sum(row.messages for row in rows), sum(row.segments for row in rows), cost(rows)


def cost(rows: Iterable[UsageRow]) -> str:
    """`12.3450 USD`, by currency; `?` where segments are without a price."""
    sums: dict[str, int] = {}
    rows = tuple(rows)
    for row in rows:
        costs = [
            (row.currency, row.cost_billed),
            *((one.currency, one.cost_billed) for one in row.other_costs),
        ]
        for currency, micros in costs:
            if currency and micros:
                sums[currency] = sums.get(currency, 0) + micros
    said = [f"{micros / 1e6:,.4f} {currency}" for currency, micros in sorted(sums.items())]
    return " + ".join([*said, *(["?"] if any(row.segments_unpriced for row in rows) else [])])


def chart(found: Usage) -> Table:
    """Messages by state, the most first."""
    from services.cli.screen import bars

    counts: dict[str, int] = {}
    for row in found.rows:
        counts[row.state] = counts.get(row.state, 0) + row.messages
    return bars(sorted(counts.items(), key=lambda one: -one[1]))


def _columns(by: str | None) -> tuple[str, ...]:
    if by is None:
        return tuple(COLUMNS)
    columns = tuple(name.strip() for name in by.split(","))
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise Refused(f"--by {unknown[0]!r} is not a column: use some of {', '.join(COLUMNS)}")
    return columns
