"""Sums of the usage report, kept so that a year of it is quick to read.

Theory of operation
-------------------
The report has a line for each branch, sender, day, kind, state and error code: 84,000 lines a year
for half a million messages. Two tables hold sums of them, which are written together with the
lines:

- `usage_days` has the sums of each day. It tells nothing of kinds and senders.
- `usage_months` has the sums of each month. It tells nothing of days and senders.

Whoever sums the report takes the smallest table that has all the columns in question. A period may
begin or end within a month. Then the days that are missing are added from the lines, or the days
too many are taken off, whichever are fewer (`split_period`).

A line with costs in several currencies is in neither table (`has_more`). There are few of them, and
each is read by itself. Of a line without messages nothing is counted.

What a batch changes is the difference between its lines before and after. So the sums are right
whatever a batch brings: corrections, older versions, deletions. `lines` tells how many lines a sum
has; one without any is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import MAXYEAR, date, timedelta
from operator import add, itemgetter
from typing import Any, Final, NamedTuple

from schemas.topics import USAGE_REPORT
from services.ledger.list_tables import DAY_COLUMNS, MONTH_COLUMNS, SUM_COLUMNS
from services.ledger.projection import ParsedRecord

Sums = tuple[int, ...]
"""The values of SUM_COLUMNS."""
_Key = tuple[str, ...]
_DAY: Final = timedelta(days=1)
_LINE: Final = {
    "tenant": "tenant",
    "branch": "branch",
    "period": "period",
    "month": "substr(period, 1, 7)",
    "kind": "kind",
    "state": "state",
    "error_code": "coalesce(error_code, '')",
    "currency": "coalesce(currency, '')",
    "lines": "1",
    "messages": "messages",
    "segments": "segments",
    "segments_unpriced": "coalesce(segments_unpriced, 0)",
    "cost_billed": "coalesce(cost_billed, 0)",
    "identity": "identity",
}
"""What is read of a line: how the sums call it, and how the line has it."""
_SELECT: Final = f"""SELECT {", ".join(_LINE.values())} FROM usage
    WHERE messages <> 0 AND has_more IS NULL"""
_AT_ONCE: Final = 500
"""Lines that are looked up at once."""
_AT: Final = {name: place for place, name in enumerate(_LINE)}
_NUMBERS: Final = itemgetter(*(_AT[name] for name in SUM_COLUMNS))
_TABLES: Final = tuple(
    (table, columns, itemgetter(*(_AT[name] for name in columns)))
    for table, columns in (("usage_days", DAY_COLUMNS), ("usage_months", MONTH_COLUMNS))
)
"""Each with its key, and how a line has that."""


@contextmanager
def keep_usage_sums(sql: Any, batch: Iterable[ParsedRecord]) -> Iterator[None]:
    """Inside, the lines of the batch are written."""
    touched = sorted(_list_touched(batch))
    if not touched:
        yield
        return
    before = _read_lines(sql, touched)
    yield
    after = _read_lines(sql, touched)
    changes = [(line, -1) for line in before - after] + [(line, 1) for line in after - before]
    for table, columns, get_key in _TABLES:
        moves = dict[_Key, Sums]()
        for line, sign in changes:
            add_sums(moves, get_key(line), _NUMBERS(line), sign)
        _write(sql, table, columns, moves)


def _list_touched(batch: Iterable[ParsedRecord]) -> set[str]:
    found = set()
    for record, message, _ in batch:
        if record.partition.topic == USAGE_REPORT.name:
            about: Any = message
            if about is not None:
                found.add(about.identity)
            elif record.value is None and record.key is not None:
                found.add(record.key.decode(errors="replace"))
    return found


def _read_lines(sql: Any, identities: Sequence[str]) -> set[tuple[Any, ...]]:
    """Each is named by a value of its own: a name may have a character 0, at which the JSON of
    SQLite ends."""
    found = set[tuple[Any, ...]]()
    for at in range(0, len(identities), _AT_ONCE):
        some = identities[at : at + _AT_ONCE]
        which = f"identity IN ({', '.join('?' * len(some))})"
        rows = sql.execute(f"{_SELECT} AND {which}", some).fetchall()
        found.update(map(tuple, rows))
    return found


def add_sums(sums: dict[_Key, Sums], key: _Key, values: Sums, sign: int = 1) -> None:
    before = sums.get(key)
    if sign < 0:
        values = tuple([-value for value in values])
    sums[key] = values if before is None else tuple(map(add, before, values))


def _write(sql: Any, table: str, columns: tuple[str, ...], moves: Mapping[_Key, Sums]) -> None:
    moved = [(*key, *sums) for key, sums in moves.items() if any(sums)]
    if not moved:
        return
    names = (*columns, *SUM_COLUMNS)
    changes = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in SUM_COLUMNS)
    sql.executemany(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(columns)}) DO UPDATE SET {changes}",
        moved,
    )
    fewer = [key for key, (lines, *_) in moves.items() if lines < 0]
    where = " AND ".join(f"{name} = ?" for name in columns)
    sql.executemany(f"DELETE FROM {table} WHERE {where} AND lines = 0", fewer)


class Days(NamedTuple):
    """Both ends included. None: without an end."""

    first: date | None
    last: date | None
    sign: int = 1
    """-1: they are taken off."""


class Months(NamedTuple):
    """As `2026-11`. None: without an end."""

    first: str | None
    after: str | None
    """The first that is not among them."""


class Parts(NamedTuple):
    """What a period is added up of."""

    months: Months | None
    days: tuple[Days, ...]


def split_period(since: date | None, until: date | None) -> Parts:
    """The whole months that are nearest to the period, and the few days of difference."""
    whole = Parts(None, (Days(since, until),))
    if MAXYEAR in {one.year for one in (since, until) if one}:
        return whole  # no month comes after it
    end = until and until + _DAY
    first, after = since and _find_nearest_month(since), end and _find_nearest_month(end)
    if first and after and first >= after:
        return whole
    days = list[Days]()
    if since and first and since != first:
        days.append(_between(since, first, 1 if since < first else -1))
    if end and after and end != after:
        days.append(_between(after, end, 1 if after < end else -1))
    months = (one.isoformat()[:7] if one else None for one in (first, after))
    return Parts(Months(*months), tuple(days))


def _find_nearest_month(day: date) -> date:
    """Its first day."""
    this = day.replace(day=1)
    following = (this + 31 * _DAY).replace(day=1)
    return this if day - this <= following - day else following


def _between(one: date, other: date, sign: int) -> Days:
    return Days(min(one, other), max(one, other) - _DAY, sign)
