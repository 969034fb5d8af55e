"""`sayso usage`: the usage report, the log of all messages, and the check against the bill."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from schemas.numbers import e164, mask_number
from schemas.visible_text import ON_ONE_LINE
from services.cli import options
from services.cli.connection import read_ledger
from services.cli.progress_bar import progress_bar
from services.csv_output import write_csv
from services.ledger.message_log import LogLine, Period, count_messages, list_messages
from services.ledger.usage import (
    UsageFilter,
    list_contradictions,
    list_differences,
    read_usage,
    total_segments,
)
from services.operations import usage_report
from services.operations.errors import InvalidRequest
from services.operations.validation import require_order
from services.terminal import SafeOutput, console, draw_bars, print_json, say, table

MOST_CHECKED: Final = 20
"""Messages shown of each list of `--check`; `--json` has them all."""
WIDTHS: Final = {
    "requested_at": 20,
    "tenant": 12,
    "to": 14,
    "kind": 14,
    "message_id": 28,
    "state": 12,
    "code": 8,
    "description": 0,
}
"""Of the log's columns, in characters: it is printed while it is read, so they cannot wait for the
longest."""
PROGRESS_EVERY: Final = 500
"""Messages between two updates of the progress bar."""


class Form(StrEnum):
    """Of the message log."""

    TABLE = "table"
    CSV = "csv"
    JSONL = "jsonl"


def usage(
    tenant: options.Tenant = None,
    since: Annotated[
        date | None,
        typer.Option(
            "--from", "--since", help="The first day, in the tenant's time zone.", **options.DAY
        ),
    ] = None,
    until: Annotated[
        date | None, typer.Option("--to", "--until", help="The last day.", **options.DAY)
    ] = None,
    sender: Annotated[str | None, typer.Option(help="Only this sender.")] = None,
    branch: options.Branch = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", help="Group by these columns, e.g. kind,state."),
    ] = None,
    state_is: Annotated[
        str | None, typer.Option("--state-is", help="Only this state, e.g. delivered.")
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="List every message instead of sums.")] = False,
    as_: Annotated[Form, typer.Option("--as", help="Format of the log.")] = Form.TABLE,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Compare segments billed by the provider with our prediction."
        ),
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show the usage report, its cost, and whether all adds up; or list each message.

    Example: [cyan]sayso usage --tenant harbor --from 2026-11-01 --by day,state,code[/]

    Or: [cyan]sayso usage --from 2026-11-01 --to 2026-11-30 --log --as csv > november.csv[/]
    """
    require_order(since, until, ("--from", "--to"))
    if log:
        filters = {
            "--sender": sender,
            "--branch": branch,
            "--kind": kind,
            "--by": by,
            "--state-is": state_is,
        }
        for option, value in filters.items():
            if value:
                raise InvalidRequest(
                    f"{option} does not go with --log",
                    "it has every message, to be filtered by what reads it",
                )
        form = Form.JSONL if as_json else as_
        _print_log(bootstrap, state, Period(since, until, tenant), form, unmask)
    elif check:
        _print_check(bootstrap, state, tenant, as_json)
    else:
        columns = usage_report.parse_columns(by)
        wanted = UsageFilter(tenant, since, until, sender, branch, kind, state_is)
        _print_report(bootstrap, state, wanted, columns, as_json)


def _print_report(
    bootstrap: str | None, state: Path, wanted: UsageFilter, columns: tuple[str, ...], as_json: bool
) -> None:
    with read_ledger(bootstrap, state, wanted.tenant) as ledger:
        usage_report.require_known_filter(ledger, wanted)
        found = read_usage(ledger, wanted)
    balance = usage_report.reconcile(found)
    if as_json:
        says = {"balance": {"residue": balance.unaccounted, "says": balance.sentence}}
        print_json(usage_report.as_data(found) | says)
        return
    screen = console()
    names = (*columns, *usage_report.SUMS)
    screen.print(table("Usage", names, usage_report.sum_rows(found.rows, columns)))
    if screen.is_terminal:
        screen.print(draw_bars(usage_report.count_states(found)))
    screen.print(balance.sentence, style="green" if balance.unaccounted == 0 else "yellow")


def _print_check(bootstrap: str | None, state: Path, tenant: str | None, as_json: bool) -> None:
    """Our count of segments against the provider's."""
    most = None if as_json else MOST_CHECKED
    with read_ledger(bootstrap, state, tenant) as ledger:
        sums = total_segments(ledger, tenant)
        differ = list(islice(list_differences(ledger, tenant), most))
        beside = list(islice(list_contradictions(ledger, tenant), most))
    if as_json:
        lists = {
            "messages": [one._asdict() for one in differ],
            "contradictions": [one._asdict() for one in beside],
        }
        print_json(sums._asdict() | lists)
        return
    screen = console()
    screen.print(
        f"{sums.out:,} messages are out; the provider has counted {sums.counted:,} of them: "
        f"{sums.predicted:,} segments predicted, {sums.billed:,} billed."
    )
    if sums.differ:
        newest = f", the newest {MOST_CHECKED}" if sums.differ > MOST_CHECKED else ""
        columns = ("tenant", "message", "sender", "predicted#", "billed#")
        screen.print(table(f"{sums.differ:,} differ{newest}", columns, differ))
    else:
        screen.print("Not one differs.", style="green")
    if sums.contradicted:
        title = f"{sums.contradicted:,} with reports that cannot both be true"
        rows = [(one.tenant, one.message_id, one.state, ", ".join(one.beside)) for one in beside]
        screen.print(table(title, ("tenant", "message", "stands as", "reported beside it"), rows))


def _print_log(
    bootstrap: str | None, state: Path, period: Period, form: Form, unmask: bool
) -> None:
    """Every message of a period, row by row as it comes out of the ledger."""
    with read_ledger(bootstrap, state, period.tenant) as ledger:
        lines = _show_progress(list_messages(ledger, period), count_messages(ledger, period))
        write_log(lines if unmask else map(_mask, lines), form)


def write_log(lines: Iterable[LogLine], form: Form) -> None:
    """To standard output."""
    if form is Form.JSONL:
        for line in lines:
            print_json(line._asdict())
    elif form is Form.CSV:
        write_csv(SafeOutput(sys.stdout), LogLine._fields, lines)
    else:
        _write_row({name: name for name in WIDTHS})
        for line in lines:
            _write_row(line._asdict() | {"requested_at": line.requested_at[:19]})


def _write_row(cells: dict[str, object]) -> None:
    shown = {name: str(cells[name]).translate(ON_ONE_LINE) for name in WIDTHS}
    padded = (shown[name][: width or None].ljust(width) for name, width in WIDTHS.items())
    say("  ".join(padded).rstrip())


def _mask(line: LogLine) -> LogLine:
    return line._replace(to=mask_number(e164(line.to))) if line.to else line


def _show_progress(lines: Iterator[LogLine], total: int) -> Iterator[LogLine]:
    """With a progress bar, where the lines go elsewhere than to the terminal."""
    if sys.stdout.isatty():
        yield from lines
        return
    with progress_bar("messages", total) as on_progress:
        for done, line in enumerate(lines, 1):
            yield line
            if done % PROGRESS_EVERY == 0:
                on_progress(done)
