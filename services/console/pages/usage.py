"""Usage: messages by day and state, what failed and why, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from schemas.reports import UsageRow
from services.console.access import Allow, Visit
from services.console.rendering import draw
from services.console.usage_chart import Band, count_days, draw_chart
from services.console.viewer import Permission
from services.csv_output import iterate_csv
from services.ledger.cases import find_settings
from services.ledger.usage import UsageFilter, read_usage_rows
from services.ledger.usage_totals import UsageSum, UsageTotals, add_up_usage, count_by_day
from services.operations.errors import InvalidRequest
from services.operations.usage_export import ExportedUsage, rows_of_usage, write_usage_parquet
from services.operations.usage_report import (
    COLUMNS,
    format_cost,
    parse_columns,
    sum_rows,
    sum_total,
)
from streams.error_codes import lookup

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/usage"
USUAL: Final = 30
"""Days, where nothing else is asked for."""


MOST_LINES: Final = 400
"""Of the table."""
EARLIEST: Final = date(2000, 1, 1)
LATEST: Final = date(2999, 12, 31)
"""Days that somebody can mean."""


class Failure(NamedTuple):
    code: str
    title: str
    description: str
    next_step: str
    messages: int


@router.get(PATH)
def show_usage(
    visit: Annotated[Visit, Allow(Permission.USAGE)],
    since: Annotated[date | None, Query(alias="from", ge=EARLIEST, le=LATEST)] = None,
    until: Annotated[date | None, Query(alias="to", ge=EARLIEST, le=LATEST)] = None,
    branch: Annotated[str, Query(max_length=200)] = "",
    by: Annotated[str, Query(max_length=100)] = "kind,state",
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    first, last = _period(visit, since, until)
    try:
        columns = parse_columns(by)
    except InvalidRequest:
        columns = parse_columns("kind,state")
    ledger, wanted = visit.console.ledger, _filter(visit, first, last, branch)
    with ledger.snapshot():
        days = count_by_day(ledger, wanted, visit.branches)
        by_columns = {"error_code", *(COLUMNS[one] for one in columns)}
        totals = add_up_usage(ledger, wanted, by_columns, visit.branches)
    sums = totals.add_up({"error_code"})
    table, lines = _first_lines(totals, columns)
    settings = find_settings(visit.console.ledger, visit.tenant)
    known = settings.branches if settings else ()
    context: dict[str, Any] = {
        "first": first,
        "last": last,
        "branch": branch,
        "by": ",".join(columns),
        "branches": [one for one in known if visit.branches is None or one in visit.branches],
        "chart": draw_chart(count_days(days), first, last),
        "Band": Band,
        "messages": sum(row.messages for row in sums),
        "segments": sum(row.segments for row in sums),
        "cost": format_cost(sums),
        "failures": _failures(sums),
        "columns": columns,
        "choices": tuple(COLUMNS),
        "table": table,
        "lines": lines,
        "total": sum_total(sums, columns),
        "query": f"from={first}&to={last}&branch={branch}",
        "shortcuts": _shortcuts(visit),
    }
    return draw(visit, "parts/usage.html" if part else "usage.html", **context)


def _first_lines(totals: UsageTotals, columns: Sequence[str]) -> tuple[list[tuple[Any, ...]], int]:
    """Of the table, and how many it has."""
    if "meaning" in columns:  # which several codes may have in common
        *lines, _ = sum_rows(totals.build(), columns)
        return lines[:MOST_LINES], len(lines)
    sums, count = totals.find_first([COLUMNS[one] for one in columns], MOST_LINES)
    *lines, _ = sum_rows(sums, columns)
    return lines, count


def _today(visit: Visit) -> date:
    settings = find_settings(visit.console.ledger, visit.tenant)
    return visit.now.astimezone(ZoneInfo(settings.time_zone if settings else "UTC")).date()


def _period(visit: Visit, since: date | None, until: date | None) -> tuple[date, date]:
    last = until or _today(visit)
    first = since or last - timedelta(days=USUAL - 1)
    return (first, last) if first <= last else (last, first)


def _shortcuts(visit: Visit) -> list[tuple[str, date, date]]:
    today = _today(visit)
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    return [
        ("Today", today, today),
        ("7 days", today - timedelta(days=6), today),
        ("30 days", today - timedelta(days=29), today),
        ("This month", month, today),
        ("Last month", before, month - timedelta(days=1)),
    ]


def _filter(visit: Visit, first: date, last: date, branch: str) -> UsageFilter:
    return UsageFilter(visit.tenant, first, last, branch=branch or None)


def _read(visit: Visit, first: date, last: date, branch: str) -> tuple[UsageRow, ...]:
    """Only branches that the viewer may see."""
    wanted = _filter(visit, first, last, branch)
    return read_usage_rows(visit.console.ledger, wanted, visit.branches)


def _failures(rows: Iterable[UsageSum]) -> list[Failure]:
    """The most frequent first, by code where two are alike."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.error_code:
            counts[row.error_code] += row.messages
    in_order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    found = [(lookup(code), number) for code, number in in_order]
    return [
        Failure(code.code, code.title, code.description, code.next_step, number)
        for code, number in found
        if number
    ]


@router.get(PATH + "/download.{form}")
def download(
    visit: Annotated[Visit, Allow(Permission.USAGE)],
    form: str,
    since: Annotated[date | None, Query(alias="from", ge=EARLIEST, le=LATEST)] = None,
    until: Annotated[date | None, Query(alias="to", ge=EARLIEST, le=LATEST)] = None,
    branch: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The report's own rows, as analysts find them on the topic."""
    first, last = _period(visit, since, until)
    rows = rows_of_usage(_read(visit, first, last, branch))
    name = f"usage-{visit.tenant}-{first}-{last}"
    if form == "parquet":
        return StreamingResponse(
            write_usage_parquet(rows),
            media_type="application/vnd.apache.parquet",
            headers=_attachment(f"{name}.parquet"),
        )
    chunks = (chunk.encode() for chunk in iterate_csv(ExportedUsage._fields, rows))
    return StreamingResponse(chunks, media_type="text/csv", headers=_attachment(f"{name}.csv"))


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
