"""Lists of cases, the one that changed last first, and of what their calendars have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from services.ledger.ledger import Ledger
from services.ledger.paging import (
    COUNTED,
    Count,
    Page,
    count_rows,
    limit_rows,
    read_cursor,
    write_cursor,
)
from services.ledger.scope import EVERYTHING, Scope
from services.ledger.table import fold
from services.ledger.times import ENDLESS

_KINDS: Final = (int, str)
"""Of a cursor: when the case last changed, and its identity."""
_EVENT_KINDS: Final = (int, str, str, str)
_MOST_WORDS: Final = 20
"""Of a search."""
_NAMED: Final = 5
"""Parties of a case whose names a list has."""


class CaseFilter(NamedTuple):
    """What is not given matches all. Each word of `search` is part of an id, a title, a reference
    or of a party's name; `person`: the id of a party."""

    scope: Scope = EVERYTHING
    closed: bool | None = False
    branches: frozenset[str] = frozenset()
    case_types: frozenset[str] = frozenset()
    search: str = ""
    person: str | None = None


class NextEvent(NamedTuple):
    event_id: str
    title: str
    at: datetime
    all_day: bool


class CaseRow(NamedTuple):
    tenant: str
    case_id: str
    title: str
    reference: str | None
    case_type: str | None
    branch: str | None
    closed: bool
    parties: int
    names: tuple[str, ...]
    """Of the first parties that have one."""
    launched: bool
    changed_at: datetime
    next_event: NextEvent | None


def read_cases(
    ledger: Ledger,
    wanted: CaseFilter,
    now: datetime,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CaseRow]:
    """Raises InvalidCursor."""
    limit = limit_rows(limit)
    after = read_cursor(cursor, _KINDS, wanted) if cursor else (ENDLESS, "")
    conditions, values = _conditions(wanted)
    sql = f"""SELECT identity, said_ms FROM cases c INDEXED BY cases_said_ms
        WHERE c.said_ms <= ? AND (c.said_ms < ? OR c.identity > ?) AND {conditions}
        ORDER BY c.said_ms DESC, c.identity LIMIT ?"""
    with ledger.snapshot():
        found = ledger.rows(sql, after[0], *after, *values, limit + 1)
        rows = _read_rows(ledger, [row["identity"] for row in found[:limit]], now)
    last = found[limit - 1] if len(found) > limit else None
    return Page(rows, write_cursor((last["said_ms"], last["identity"]), wanted) if last else None)


def count_cases(ledger: Ledger, wanted: CaseFilter, most: int = COUNTED) -> Count:
    conditions, values = _conditions(wanted)
    sql = f"""SELECT 1 FROM cases c INDEXED BY cases_said_ms
        WHERE c.said_ms IS NOT NULL AND {conditions}"""
    return count_rows(ledger, sql, values, most)


def _conditions(wanted: CaseFilter) -> tuple[str, list[Any]]:
    scope, found = wanted.scope.condition("c.tenant", "c.branch")
    parts, values = [scope], list[Any](found)
    if wanted.closed is not None:
        parts.append("c.closed = ?")
        values.append(int(wanted.closed))
    for column, several in (("branch", wanted.branches), ("case_type", wanted.case_types)):
        if several:
            parts.append(f"c.{column} IN ({', '.join('?' * len(several))})")
            values += sorted(several)
    for word in fold(wanted.search).split()[:_MOST_WORDS]:
        parts.append("instr(c.words, ?) > 0")
        values.append(word)
    if wanted.person is not None:
        parts.append(
            "c.identity IN (SELECT tenant || '/' || case_id FROM case_people WHERE person_id = ?)"
        )
        values.append(wanted.person)
    return " AND ".join(parts), values


def _read_rows(ledger: Ledger, identities: Sequence[str], now: datetime) -> tuple[CaseRow, ...]:
    """All at once: a database answers one long question sooner than many short ones."""
    sql = """SELECT c.tenant, c.case_id, c.title, c.reference, c.case_type, c.branch, c.closed,
        c.parties, c.said_ms, json_extract(c.json, '$.launched_at') IS NOT NULL AS launched,
        (SELECT json_group_array(name) FROM (SELECT json_extract(p.value, '$.name') AS name
            FROM json_each(c.json, '$.parties') p
            WHERE json_extract(p.value, '$.name') <> '' LIMIT ?) x) AS names,
        e.event_id, e.title AS event_title, e.at_ms, e.all_day
        FROM json_each(?) j CROSS JOIN cases c ON c.identity = j.value
        LEFT JOIN case_calendar e ON e.tenant = c.tenant AND e.case_id = c.case_id
            AND e.event_id = (SELECT n.event_id FROM case_calendar n WHERE n.tenant = c.tenant
                AND n.case_id = c.case_id AND n.at_ms >= ? ORDER BY n.at_ms, n.event_id LIMIT 1)
        ORDER BY j.key"""
    given = (_NAMED, json.dumps(identities), round(now.timestamp() * 1000))
    return tuple(_build_row(row) for row in (ledger.rows(sql, *given) if identities else ()))


def _build_row(row: Any) -> CaseRow:
    return CaseRow(
        tenant=row["tenant"],
        case_id=row["case_id"],
        title=row["title"],
        reference=row["reference"],
        case_type=row["case_type"],
        branch=row["branch"],
        closed=bool(row["closed"]),
        parties=row["parties"],
        names=tuple(json.loads(row["names"])),
        launched=bool(row["launched"]),
        changed_at=_to_time(row["said_ms"]),
        next_event=_build_event(row) if row["event_id"] is not None else None,
    )


def _build_event(row: Any) -> NextEvent:
    at = _to_time(row["at_ms"])
    return NextEvent(row["event_id"], row["event_title"], at, bool(row["all_day"]))


def _to_time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


# What the calendars have.


class CalendarRow(NamedTuple):
    tenant: str
    case_id: str
    case_title: str
    branch: str | None
    event: NextEvent


def read_calendar(
    ledger: Ledger,
    scope: Scope,
    since: datetime,
    until: datetime,
    *,
    branches: frozenset[str] = frozenset(),
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CalendarRow]:
    """Events of open cases from `since` until before `until`, the earliest first. Raises
    InvalidCursor."""
    limit = limit_rows(limit)
    filters = (scope, since, until, branches)
    first = round(since.timestamp() * 1000)
    after = read_cursor(cursor, _EVENT_KINDS, *filters) if cursor else (first, "", "", "")
    condition, values = scope.condition("e.tenant", "e.branch")
    if branches:
        condition += f" AND e.branch IN ({', '.join('?' * len(branches))})"
        values += sorted(branches)
    sql = f"""SELECT e.tenant, e.case_id, e.event_id, e.at_ms, e.title, e.all_day, e.branch,
            (SELECT title FROM cases c WHERE c.identity = e.tenant || '/' || e.case_id) AS "case"
        FROM case_calendar e INDEXED BY case_calendar_at_ms
        WHERE (e.at_ms, e.tenant, e.case_id, e.event_id) > (?, ?, ?, ?) AND e.at_ms < ?
        AND e.closed = 0 AND {condition}
        ORDER BY e.at_ms, e.tenant, e.case_id, e.event_id LIMIT ?"""
    end = round(until.timestamp() * 1000)
    found = ledger.rows(sql, *after, end, *values, limit + 1)
    rows = tuple(
        CalendarRow(
            row["tenant"],
            row["case_id"],
            row["case"] or "",
            row["branch"],
            NextEvent(row["event_id"], row["title"], _to_time(row["at_ms"]), bool(row["all_day"])),
        )
        for row in found[:limit]
    )
    if len(found) <= limit:
        return Page(rows)
    last = found[limit - 1]
    key = (last["at_ms"], last["tenant"], last["case_id"], last["event_id"])
    return Page(rows, write_cursor(key, *filters))
