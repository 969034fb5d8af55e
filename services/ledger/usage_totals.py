"""Sums of the usage report over a period, from the smallest tables that can answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, Final, NamedTuple

from schemas.reports import OtherCost, UsageRow
from services.ledger.ledger import Ledger
from services.ledger.list_tables import DAY_COLUMNS, MONTH_COLUMNS, SUM_COLUMNS
from services.ledger.usage import HAS_MESSAGES, UsageFilter, write_where
from services.ledger.usage_sums import Months, Sums, add_sums, split_period
from streams.error_codes import lookup


class UsageSum(NamedTuple):
    """Rows of the report with the same currency that agree in all that they are summed by; of the
    rest it says nothing."""

    messages: int
    segments: int
    segments_unpriced: int
    currency: str | None
    cost_billed: int
    tenant: str = ""
    branch: str = ""
    sender: str = ""
    period: date | None = None
    kind: str = ""
    state: str = ""
    error_code: str | None = None
    other_costs: tuple[OtherCost, ...] = ()

    @property
    def error_title(self) -> str | None:
        return lookup(self.error_code).title if self.error_code else None


SUMMED_BY: Final = ("tenant", "branch", "sender", "period", "kind", "state", "error_code")


def sum_usage(
    ledger: Ledger, wanted: UsageFilter, by: Collection[str], branches: Collection[str] | None
) -> tuple[UsageSum, ...]:
    """`by`: some of SUMMED_BY. `branches`: only these."""
    return add_up_usage(ledger, wanted, by, branches).build()


def add_up_usage(
    ledger: Ledger, wanted: UsageFilter, by: Collection[str], branches: Collection[str] | None
) -> UsageTotals:
    """`by`: some of SUMMED_BY. `branches`: only these."""
    columns = (*(name for name in SUMMED_BY if name in by), "currency")
    sums = dict[tuple[str, ...], Sums]()
    with ledger.snapshot():
        for part in _choose_parts(wanted, columns):
            _add_part(ledger, sums, part, columns, branches)
        several = _read_several(ledger, wanted, branches)
    return UsageTotals(columns, {key: one for key, one in sums.items() if one[0]}, several)


class UsageTotals(NamedTuple):
    """There may be thousands: only those are built that are looked at."""

    columns: tuple[str, ...]
    """The currency is the last."""
    sums: Mapping[tuple[str, ...], Sums]
    """By the values of the columns."""
    several: tuple[UsageRow, ...]
    """Rows with several currencies."""

    def build(self) -> tuple[UsageSum, ...]:
        rest = (_build_one(self.columns, row) for row in self.several)
        return (*_build_sums(self.columns, self.sums), *rest)

    def add_up(self, by: Collection[str]) -> tuple[UsageSum, ...]:
        """`by`: fewer columns."""
        columns = (*(name for name in self.columns[:-1] if name in by), "currency")
        read = _reader(self.columns, columns)
        sums = dict[tuple[str, ...], Sums]()
        for key, values in self.sums.items():
            add_sums(sums, read(key), values)
        return UsageTotals(columns, sums, self.several).build()

    def find_first(self, by: Sequence[str], most: int) -> tuple[tuple[UsageSum, ...], int]:
        """Those that make the first so many rows of a table of these columns, and how many rows it
        would have."""
        read = _reader(self.columns, by)
        names = {read(key) for key in self.sums}
        of_several = [tuple([str(getattr(row, name) or "") for name in by]) for row in self.several]
        names.update(of_several)
        first = set(sorted(names)[:most])
        sums = {key: one for key, one in self.sums.items() if read(key) in first}
        several = [row for row, name in zip(self.several, of_several, strict=True) if name in first]
        return UsageTotals(self.columns, sums, tuple(several)).build(), len(names)


def _reader(columns: Sequence[str], by: Sequence[str]) -> Callable[[tuple[str, ...]], Any]:
    """Of a key, the values of these columns."""
    places = [columns.index(name) for name in by]
    if len(places) == 1:
        [place] = places
        return lambda key: (key[place],)
    return itemgetter(*places)


_LINES: Final = "usage"
"""The table of the report's own lines."""


class _Part(NamedTuple):
    """A table, and what of it is added up."""

    table: str
    wanted: UsageFilter
    months: Months | None = None
    sign: int = 1


def _choose_parts(wanted: UsageFilter, columns: Collection[str]) -> Iterator[_Part]:
    """The smallest tables that have these columns, and those that the filter asks for."""
    named = {name for name, value in wanted._asdict().items() if value is not None}
    needed = {*columns, *named} - {"since", "until"}
    by_day = "usage_days" if needed <= {*DAY_COLUMNS} else _LINES
    if not needed <= {*MONTH_COLUMNS}:
        yield _Part(by_day, wanted)
        return
    months, single = split_period(wanted.since, wanted.until)
    if months:
        yield _Part("usage_months", wanted._replace(since=None, until=None), months)
    for first, last, sign in single:
        yield _Part(by_day, wanted._replace(since=first, until=last), sign=sign)


def _add_part(
    ledger: Ledger,
    sums: dict[tuple[str, ...], Sums],
    part: _Part,
    columns: Sequence[str],
    branches: Collection[str] | None,
) -> None:
    where, values = _write_where(part, branches)
    lines = "count(*)" if part.table == _LINES else "sum(lines)"
    grouped, size = ", ".join(columns), len(columns)
    added = ", ".join(f"sum({name})" for name in SUM_COLUMNS[1:])
    sql = f"""SELECT {grouped}, {lines}, {added} FROM {part.table} WHERE {where}
        GROUP BY {grouped}"""  # in any order: a sum has none
    for row in map(tuple, ledger.rows(sql, *values)):
        key, counted = row[:size], row[size:]
        if None in key:
            key = tuple([one or "" for one in key])
        if None in counted:
            counted = tuple([one or 0 for one in counted])
        add_sums(sums, key, counted, part.sign)


def _write_where(part: _Part, branches: Collection[str] | None) -> tuple[str, list[str]]:
    """Sums have no lines with several currencies, and the report's own lines are without them
    here."""
    where, values = write_where(part.wanted, branches, part.months)
    if part.table == _LINES:
        where = f"{HAS_MESSAGES} AND has_more IS NULL AND {where}"
    return where, values


def _build_sums(columns: Sequence[str], sums: Mapping[tuple[str, ...], Sums]) -> Iterator[UsageSum]:
    """Their fields are filled by place, for speed."""
    names = [*UsageSum._field_defaults]
    places = [names.index(name) for name in columns[:-1]]
    day, code = names.index("period"), names.index("error_code")
    days = dict[str, date]()
    for key in sorted(sums):
        _, messages, segments, unpriced, cost = sums[key]
        about = [*UsageSum._field_defaults.values()]
        for place, value in zip(places, key, strict=False):
            about[place] = value
        if period := about[day]:
            about[day] = days.get(period) or days.setdefault(period, date.fromisoformat(period))
        about[code] = about[code] or None
        yield UsageSum(messages, segments, unpriced, key[-1] or None, cost, *about)


def _build_one(columns: Sequence[str], row: UsageRow) -> UsageSum:
    about = {name: getattr(row, name) for name in (*columns, "other_costs")}
    unpriced, cost = row.segments_unpriced or 0, row.cost_billed or 0
    return UsageSum(row.messages, row.segments, unpriced, cost_billed=cost, **about)


def _read_several(
    ledger: Ledger, wanted: UsageFilter, branches: Collection[str] | None
) -> tuple[UsageRow, ...]:
    """Lines with costs in several currencies."""
    where, values = write_where(wanted, branches)
    sql = f"""SELECT json FROM usage INDEXED BY usage_sparse
        WHERE has_more IS NOT NULL AND {HAS_MESSAGES} AND {where} ORDER BY identity"""
    return tuple(UsageRow.model_validate_json(row["json"]) for row in ledger.rows(sql, *values))


def count_by_day(
    ledger: Ledger, wanted: UsageFilter, branches: Collection[str] | None
) -> dict[date, dict[str, int]]:
    """Messages by state. `branches`: only these."""
    [part] = _choose_parts(wanted, ("period", "state"))
    where, values = _write_where(part, branches)
    sql = f"""SELECT period, state, sum(messages) FROM {part.table} WHERE {where}
        GROUP BY period, state"""
    with ledger.snapshot():
        counted = ledger.rows(sql, *values)
        several = _read_several(ledger, wanted, branches)
    days = dict[str, dict[str, int]]()
    for period, state, messages in counted:
        days.setdefault(period, {})[state] = messages
    for row in several:
        states = days.setdefault(row.period.isoformat(), {})
        states[row.state] = states.get(row.state, 0) + row.messages
    return {date.fromisoformat(period): states for period, states in days.items()}
