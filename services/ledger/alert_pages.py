"""Lists of alerts, the most pressing first, and of dead letters, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.outcome import Alert
from schemas.topics import A_MONTH
from services.ledger.dead_letters import DeadLetterEntry, DeadLetterFilter, read_entry
from services.ledger.ledger import Ledger
from services.ledger.mailbox import CurrentAlert
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
from streams.alert_words import urgency

_ALERT_KINDS: Final = (int, int, str, int)
"""Of a cursor: which part of the list, the value that orders it, the alert, and for what time the
list was begun."""
_LETTER_KINDS: Final = (int, int, int)


class AlertFilter(NamedTuple):
    """What is not given matches all."""

    scope: Scope = EVERYTHING
    closed: bool = False
    """Also those that need no action any more."""
    branches: frozenset[str] = frozenset()
    person: str | None = None
    case: str | None = None


def read_alerts(
    ledger: Ledger,
    wanted: AlertFilter,
    now: datetime,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CurrentAlert]:
    """Those that can still be acted on, by the time that is left; then those of which nobody knows
    it, newest first; then those whose time has passed. Raises InvalidCursor.

    Which part an alert is in is decided at the time of the first page, for all that follow."""
    limit = limit_rows(limit)
    now_ms = round(now.timestamp() * 1000)
    part, at, identity, now_ms = (
        read_cursor(cursor, _ALERT_KINDS, wanted) if cursor else (-1, 0, "", now_ms)
    )
    conditions, values = _alert_conditions(wanted, now)
    sql = f"""SELECT * FROM (SELECT identity, {_PART} AS part, {_PLACE} AS place
            FROM alerts a INDEXED BY alerts_said_ms WHERE a.said_ms IS NOT NULL AND {conditions}) x
        WHERE (part, place, identity) > (?, ?, ?) ORDER BY part, place, identity LIMIT ?"""
    with ledger.snapshot():
        bounds = (now_ms, now_ms, *values, part, at, identity)
        found = ledger.rows(sql, *bounds, limit + 1)
        rows = tuple(_read_alert(ledger, row["identity"], now) for row in found[:limit])
    if len(found) <= limit:
        return Page(rows)
    last = found[limit - 1]
    key = (last["part"], last["place"], last["identity"], now_ms)
    return Page(rows, write_cursor(key, wanted))


_PART: Final = """CASE WHEN a.passed_ms IS NULL THEN 1 WHEN a.passed_ms > ? THEN 0 ELSE 2 END"""
_PLACE: Final = """CASE WHEN a.passed_ms > ? THEN a.before_ms ELSE -a.said_ms END"""


def count_alerts(ledger: Ledger, wanted: AlertFilter, now: datetime, most: int = COUNTED) -> Count:
    conditions, values = _alert_conditions(wanted, now)
    sql = f"""SELECT 1 FROM alerts a INDEXED BY alerts_said_ms
        WHERE a.said_ms IS NOT NULL AND {conditions}"""
    return count_rows(ledger, sql, values, most)


def _alert_conditions(wanted: AlertFilter, now: datetime) -> tuple[str, list[Any]]:
    scope, found = wanted.scope.condition("a.tenant", "a.branch")
    parts, values = [scope], list[Any](found)
    if not wanted.closed:
        parts.append("a.open = 1 AND a.at_ms > ?")
        values.append(round((now - A_MONTH).timestamp() * 1000))
        parts.append("NOT EXISTS (SELECT 1 FROM dismissals x WHERE x.identity = a.identity)")
    if wanted.branches:
        parts.append(f"a.branch IN ({', '.join('?' * len(wanted.branches))})")
        values += sorted(wanted.branches)
    for column, value in (("person_id", wanted.person), ("case_id", wanted.case)):
        if value is not None:
            parts.append(f"a.identity IN (SELECT identity FROM alerts WHERE {column} = ?)")
            values.append(value)
    return " AND ".join(parts), values


def _read_alert(ledger: Ledger, identity: str, now: datetime) -> CurrentAlert:
    [row] = ledger.rows("SELECT json FROM alerts WHERE identity = ?", identity)
    alert = Alert.model_validate_json(row["json"])
    return CurrentAlert(alert, urgency(alert.before, alert.event_at, now))


# Dead letters.


def read_dead_letters(
    ledger: Ledger, wanted: DeadLetterFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[DeadLetterEntry]:
    """Newest first. Raises InvalidCursor."""
    limit = limit_rows(limit)
    after = read_cursor(cursor, _LETTER_KINDS, wanted) if cursor else None
    parts, values = ["l.at_ms IS NOT NULL"], list[Any]()
    if after is not None:
        parts.append("(l.at_ms, l.part, l.off) < (?, ?, ?)")
        values += after
    for column, value in (("cause", wanted.cause), ("topic", wanted.topic)):
        if value is not None:
            parts.append(f"l.{column} = ?")
            values.append(value)
    if not wanted.resolved:
        parts.append(_OPEN)
    sql = f"""SELECT l.at_ms, l.part, l.off FROM dead_letters l INDEXED BY dead_letters_by_time
        WHERE {" AND ".join(parts)} ORDER BY l.at_ms DESC, l.part DESC, l.off DESC LIMIT ?"""
    with ledger.snapshot():
        found = ledger.rows(sql, *values, limit + 1)
        rows = tuple(read_entry(ledger, row["part"], row["off"]) for row in found[:limit])
    last = tuple(found[limit - 1]) if len(found) > limit else None
    return Page(rows, write_cursor(last, wanted) if last else None)


def count_open_letters(ledger: Ledger, most: int = COUNTED) -> Count:
    """Those that were neither replayed nor dropped."""
    sql = f"""SELECT 1 FROM dead_letters l
        INDEXED BY dead_letters_by_time WHERE l.at_ms IS NOT NULL AND {_OPEN}"""
    return count_rows(ledger, sql, (), most)


_OPEN: Final = """NOT EXISTS (SELECT 1 FROM letter_resolutions r
    WHERE r.letter_part = l.part AND r.letter_off = l.off)"""
