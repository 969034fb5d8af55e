"""Do the books balance, tenant by tenant and hour by hour?  The one equation of `streams.lifecycle`, recounted.

What was requested is counted from requests and decisions, what became of it from outcomes: so a message that was lost
between the two shows, and so does one that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple

from schemas.reports import BalanceRow
from services.ledger.ledger import Ledger
from streams.lifecycle import Balance, Group, State, balance

HOUR: Final = 3_600_000
"""Milliseconds."""
NAMED: Final = 10
"""Messages that a row of the topic names."""
HOUR_OF: Final = f"(requested_ms - (requested_ms % {HOUR} + {HOUR}) % {HOUR}) / {HOUR} AS hour"
"""Downwards, also before 1970: a producer may write any time."""


class Hour(NamedTuple):
    """`number`: hours since 1970, UTC."""

    tenant: str
    number: int

    @property
    def begins(self) -> datetime:
        return datetime.fromtimestamp(self.number * HOUR / 1000, UTC)


class Astray(NamedTuple):
    """A message that the equation misses, and how."""

    tenant: str
    message_id: str
    why: str


_OPENINGS: Final = ("requests", "person_requests", "decisions")
_IN: Final = "tenant = ?1 AND requested_ms >= ?2 AND requested_ms < ?3"

_STANDING: Final = f"SELECT state, count(*) AS n FROM outcomes WHERE {_IN} GROUP BY state"
_JUDGED: Final = f"SELECT message_id FROM outcomes WHERE {_IN}"
_ASKED: Final = " UNION ".join(f"SELECT message_id FROM {table} WHERE {_IN}" for table in _OPENINGS)
_OPENED: Final = " OR ".join(
    f"EXISTS (SELECT 1 FROM {table} x WHERE x.message_id = one.message_id AND x.tenant = ?1)"
    for table in reversed(_OPENINGS)
)
_UNASKED: Final = f"""SELECT message_id FROM ({_JUDGED} EXCEPT SELECT message_id FROM decisions WHERE {_IN}) one
    WHERE NOT ({_OPENED})"""
_UNJUDGED: Final = f"""SELECT message_id FROM ({_ASKED} EXCEPT {_JUDGED}) one
    WHERE NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.identity = ?1 || '/' || one.message_id)"""
"""Most have both in the same hour: only the others are looked for one by one, wherever they may be."""
_STATES: Final = ", ".join(f"'{state}'" for state in State)
_STRANGE: Final = f"SELECT message_id, state FROM outcomes WHERE {_IN} AND state NOT IN ({_STATES})"


class _Recounted(NamedTuple):
    """Ids of messages that were asked for and are nowhere, and of those that stand somewhere and were not asked for."""

    by_state: dict[str, int]
    unjudged: tuple[str, ...]
    unasked: tuple[str, ...]

    @property
    def balance(self) -> Balance:
        return balance(
            sum(self.by_state.values()) - len(self.unasked) + len(self.unjudged), self.by_state
        )


def _recounted(ledger: Ledger, hour: Hour) -> _Recounted:
    by_state = {str(row["state"]): int(row["n"]) for row in _rows(ledger, _STANDING, hour)}
    unjudged, unasked = (
        tuple(row["message_id"] for row in _rows(ledger, sql, hour))
        for sql in (_UNJUDGED, _UNASKED)
    )
    return _Recounted(by_state, unjudged, unasked)


def books(ledger: Ledger, hour: Hour) -> Balance:
    """A message belongs to the hour that its outcome says it was requested in; one without an outcome to its own."""
    return _recounted(ledger, hour).balance


def astray(ledger: Ledger, hour: Hour) -> Iterator[Astray]:
    return _missed(ledger, hour, _recounted(ledger, hour))


def _missed(ledger: Ledger, hour: Hour, found: _Recounted) -> Iterator[Astray]:
    for message_id in found.unjudged:
        yield Astray(hour.tenant, message_id, "requested, and nothing is known of it since")
    for message_id in found.unasked:
        yield Astray(hour.tenant, message_id, "has an outcome, and nobody asked for it")
    if set(found.by_state) <= set(State):
        return
    for row in _rows(ledger, _STRANGE, hour):
        yield Astray(
            hour.tenant,
            row["message_id"],
            f"is in a state that has no place in the books: {row['state']}",
        )


def hours(
    ledger: Ledger, since: datetime, until: datetime, tenant: str | None = None
) -> list[Hour]:
    """Those in which something was requested."""
    span = (round(since.timestamp() * 1000), round(until.timestamp() * 1000))
    union = " UNION ".join(
        f"""SELECT tenant, {HOUR_OF} FROM {table}
            WHERE requested_ms >= ?1 AND requested_ms < ?2 AND (?3 IS NULL OR tenant = ?3)"""
        for table in ("outcomes", *_OPENINGS)
    )
    return sorted(Hour(row["tenant"], row["hour"]) for row in ledger.rows(union, *span, tenant))


def row_of(ledger: Ledger, hour: Hour, now: datetime) -> BalanceRow:
    recounted = _recounted(ledger, hour)
    found = recounted.balance
    named = [one.message_id for one in islice(_missed(ledger, hour, recounted), NAMED)]
    return BalanceRow(
        tenant=hour.tenant,
        hour=hour.begins,
        requested=found.requested,
        waiting=found.groups[Group.WAITING],
        not_sent=found.groups[Group.NOT_SENT],
        refused=found.groups[Group.REFUSED],
        out=found.groups[Group.OUT],
        residue=found.residue,
        astray=tuple(named),
        at=now,
    )


def news(ledger: Ledger, touched: Iterable[Hour], now: datetime) -> list[BalanceRow]:
    """Rows that say something else than the topic does so far."""
    rows = [row_of(ledger, hour, now) for hour in touched]
    return [row for row in rows if _told(ledger, row) != row.model_copy(update={"at": now})]


def _told(ledger: Ledger, row: BalanceRow) -> BalanceRow | None:
    found = ledger.rows("SELECT json FROM balances WHERE identity = ?", row.identity)
    return (
        BalanceRow.model_validate_json(found[0]["json"]).model_copy(update={"at": row.at})
        if found
        else None
    )


def _rows(ledger: Ledger, sql: str, hour: Hour) -> list[dict[str, str]]:
    found = ledger.rows(sql, hour.tenant, hour.number * HOUR, (hour.number + 1) * HOUR)
    return [dict(row) for row in found]
