"""Reconciliation: whether every requested message is accounted for, tenant by tenant and hour by
hour.

The equation is that of `streams.lifecycle`. What was requested is counted from requests and
decisions, what became of it from outcomes. So a message that got lost between the two shows up, and
so does one that nobody requested.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple

from schemas.reports import BalanceRow
from schemas.topics import BALANCE
from services.kafka.publisher import NotPublished, Publisher
from services.ledger.ledger import Ledger, LedgerError
from services.ledger.location import Location
from streams.lifecycle import Group, Reconciliation, State, reconcile_states

EVERY: Final = 5.0
"""Seconds between two reconciliations."""
MAX_NAMED: Final = 10
"""Unaccounted messages that a row of the topic names."""
HOUR_MS: Final = 3_600_000

_HOUR: Final = (
    f"(requested_ms - (requested_ms % {HOUR_MS} + {HOUR_MS}) % {HOUR_MS}) / {HOUR_MS} AS hour"
)
"""Rounded down, also before 1970: a producer may write any time."""
_OPENINGS: Final = ("requests", "person_requests", "decisions")
_IN_HOUR: Final = "tenant = ?1 AND requested_ms >= ?2 AND requested_ms < ?3"

_BY_STATE: Final = f"SELECT state, count(*) AS n FROM outcomes WHERE {_IN_HOUR} GROUP BY state"
_WITH_OUTCOME: Final = f"SELECT message_id FROM outcomes WHERE {_IN_HOUR}"
_REQUESTED: Final = " UNION ".join(
    f"SELECT message_id FROM {table} WHERE {_IN_HOUR}" for table in _OPENINGS
)
_OPENED_ANYWHERE: Final = " OR ".join(
    f"EXISTS (SELECT 1 FROM {table} x WHERE x.message_id = one.message_id AND x.tenant = ?1)"
    for table in reversed(_OPENINGS)
)
# Most messages have both records in the same hour. Only the others are looked up one by one, in any
# hour.
_NOT_REQUESTED: Final = f"""SELECT message_id
    FROM ({_WITH_OUTCOME} EXCEPT SELECT message_id FROM decisions WHERE {_IN_HOUR}) one
    WHERE NOT ({_OPENED_ANYWHERE}) ORDER BY message_id"""
_WITHOUT_OUTCOME: Final = f"""SELECT message_id FROM ({_REQUESTED} EXCEPT {_WITH_OUTCOME}) one
    WHERE NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.identity = ?1 || '/' || one.message_id)
    ORDER BY message_id"""
_STATES: Final = ", ".join(f"'{state}'" for state in State)
_UNKNOWN_STATE: Final = (
    f"SELECT message_id, state FROM outcomes WHERE {_IN_HOUR} AND state NOT IN ({_STATES})"
)
_UNBALANCED: Final = """SELECT json FROM balances WHERE (?1 IS NULL OR tenant = ?1)
    AND (residue <> 0 OR json_array_length(json, '$.astray') > 0)
    ORDER BY json_extract(json, '$.hour') DESC"""


class Hour(NamedTuple):
    tenant: str
    number: int
    """Hours since 1970, UTC."""

    @property
    def begins(self) -> datetime:
        return datetime.fromtimestamp(self.number * HOUR_MS / 1000, UTC)


class Unaccounted(NamedTuple):
    """A message that the equation misses, and why."""

    tenant: str
    message_id: str
    why: str


class _Count(NamedTuple):
    by_state: dict[str, int]
    without_outcome: tuple[str, ...]
    not_requested: tuple[str, ...]

    @property
    def balance(self) -> Reconciliation:
        known = sum(self.by_state.values())
        return reconcile_states(
            known - len(self.not_requested) + len(self.without_outcome), self.by_state
        )


def reconcile(ledger: Ledger, hour: Hour) -> Reconciliation:
    """A message belongs to the hour that its outcome gives as requested; one without an outcome to
    its request's."""
    return _count(ledger, hour).balance


def find_unaccounted(ledger: Ledger, hour: Hour) -> Iterator[Unaccounted]:
    return _unaccounted(ledger, hour, _count(ledger, hour))


def list_hours(
    ledger: Ledger, since: datetime, until: datetime, tenant: str | None = None
) -> list[Hour]:
    """The hours in which something was requested."""
    span = (round(since.timestamp() * 1000), round(until.timestamp() * 1000))
    union = " UNION ".join(
        f"""SELECT tenant, {_HOUR} FROM {table}
            WHERE requested_ms >= ?1 AND requested_ms < ?2 AND (?3 IS NULL OR tenant = ?3)"""
        for table in ("outcomes", *_OPENINGS)
    )
    return sorted(Hour(row["tenant"], row["hour"]) for row in ledger.rows(union, *span, tenant))


def build_row(ledger: Ledger, hour: Hour, now: datetime) -> BalanceRow:
    count = _count(ledger, hour)
    found = count.balance
    named = [one.message_id for one in islice(_unaccounted(ledger, hour, count), MAX_NAMED)]
    return BalanceRow(
        tenant=hour.tenant,
        hour=hour.begins,
        requested=found.requested,
        waiting=found.groups[Group.WAITING],
        not_sent=found.groups[Group.NOT_SENT],
        refused=found.groups[Group.REFUSED],
        out=found.groups[Group.OUT],
        residue=found.unaccounted,
        astray=tuple(named),
        at=now,
    )


def find_changes(ledger: Ledger, hours: Iterable[Hour], now: datetime) -> list[BalanceRow]:
    """The rows that differ from what is on the topic."""
    rows = [build_row(ledger, hour, now) for hour in hours]
    return [row for row in rows if not _is_published(ledger, row)]


def list_unbalanced(ledger: Ledger, tenant: str | None = None) -> tuple[BalanceRow, ...]:
    """Hours whose messages do not add up, as they were published; the newest first."""
    rows = ledger.rows(_UNBALANCED, tenant)
    return tuple(BalanceRow.model_validate_json(row["json"]) for row in rows)


class Reconciler:
    """Reconciles the hours that changed since its last run, and publishes the rows that differ on
    `sms.balance`."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._done: dict[str, int] = {}
        """The last row id of each table that was looked at. At the start nothing was: all hours are
        reconciled."""
        self._generation = ""

    async def run(self, bootstrap: str, stop: asyncio.Event) -> None:
        publisher = Publisher(bootstrap, source="ledger")
        try:
            while not stop.is_set():
                with contextlib.suppress(NotPublished, LedgerError):
                    if rows := await asyncio.to_thread(self.find_changes):
                        await publisher.publish_all(BALANCE, rows)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), EVERY)
        finally:
            await publisher.stop()

    def find_changes(self) -> list[BalanceRow]:
        """Raises LedgerError."""
        ledger = Ledger.open(self._location, existing=True)
        try:
            return find_changes(ledger, self._hours_to_check(ledger), datetime.now(UTC))
        finally:
            ledger.close()

    def _hours_to_check(self, ledger: Ledger) -> set[Hour]:
        """Hours with new rows, and those that did not balance so far. A file that was rebuilt is
        read from its start."""
        meta = ledger.rows("SELECT value FROM meta WHERE name = 'generation'")
        generation = meta[0]["value"] if meta else ""
        if self._generation != generation:
            self._done = {}
            self._generation = generation
        found = _unbalanced_hours(ledger)
        for table in ("requests", "person_requests", "decisions", "outcome_history"):
            last = ledger.rows(f"SELECT max(rowid) AS last FROM {table}")[0]["last"] or 0
            sql = f"SELECT DISTINCT tenant, {_HOUR} FROM {table} WHERE rowid > ? AND rowid <= ?"
            found |= {
                Hour(row["tenant"], row["hour"])
                for row in ledger.rows(sql, self._done.get(table, 0), last)
            }
            self._done[table] = last
        return found


def _count(ledger: Ledger, hour: Hour) -> _Count:
    by_state = {str(row["state"]): int(row["n"]) for row in _rows(ledger, _BY_STATE, hour)}
    without_outcome = tuple(row["message_id"] for row in _rows(ledger, _WITHOUT_OUTCOME, hour))
    not_requested = tuple(row["message_id"] for row in _rows(ledger, _NOT_REQUESTED, hour))
    return _Count(by_state, without_outcome, not_requested)


def _unaccounted(ledger: Ledger, hour: Hour, count: _Count) -> Iterator[Unaccounted]:
    for message_id in count.without_outcome:
        yield Unaccounted(hour.tenant, message_id, "requested, and nothing is known of it since")
    for message_id in count.not_requested:
        yield Unaccounted(hour.tenant, message_id, "has an outcome, and nobody asked for it")
    if set(count.by_state) <= set(State):
        return
    for row in _rows(ledger, _UNKNOWN_STATE, hour):
        why = f"is in a state that this version does not know: {row['state']}"
        yield Unaccounted(hour.tenant, row["message_id"], why)


def _is_published(ledger: Ledger, row: BalanceRow) -> bool:
    """Whether the topic has this row already, whenever it was counted."""
    found = ledger.rows("SELECT json FROM balances WHERE identity = ?", row.identity)
    if not found:
        return False
    last = BalanceRow.model_validate_json(found[0]["json"])
    return last.model_copy(update={"at": row.at}) == row


def _unbalanced_hours(ledger: Ledger) -> set[Hour]:
    rows = list_unbalanced(ledger)
    return {Hour(row.tenant, round(row.hour.timestamp() * 1000) // HOUR_MS) for row in rows}


def _rows(ledger: Ledger, sql: str, hour: Hour) -> list[dict[str, str]]:
    found = ledger.rows(sql, hour.tenant, hour.number * HOUR_MS, (hour.number + 1) * HOUR_MS)
    return [dict(row) for row in found]
