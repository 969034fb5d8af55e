"""Deliveries: one event for one endpoint, until it is taken or given up."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from services.event_webhooks.store import Store, from_ms, to_ms

KEPT: Final = timedelta(days=30)
"""How long a delivery stays after its end, to be looked up and replayed.  One that waits for a
paused endpoint waits as long, and is then given up."""
CHUNK: Final = 500
"""Rows of one transaction, where many change: the process must get its turn in between."""


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up: the schedule is over, or its endpoint was paused too long."""


class Delivery(NamedTuple):
    id: int
    endpoint: str
    event_id: str
    type: str
    event_at: datetime | None
    created_at: datetime | None
    state: DeliveryState
    failures: int
    next_at: datetime | None
    """When it is tried again; None at its end."""
    tried_at: datetime | None
    done_at: datetime | None
    status: int | None
    """The last answer's."""
    problem: str | None
    """The last one, as a word of `attempt.Problem`."""
    body: bytes


class Deliveries:
    """Each method is one step; callers put several into a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        endpoint: str,
        event_id: str,
        kind: str,
        event_at: datetime,
        body: bytes,
        now: datetime,
    ) -> int | None:
        """Due at once.  None if the endpoint has this event already."""
        inserted = self._store.rows(
            "INSERT INTO deliveries (endpoint, event, type, event_ms, body, created_ms, state,"
            " next_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
            endpoint,
            event_id,
            kind,
            to_ms(event_at),
            body,
            to_ms(now),
            DeliveryState.PENDING,
            to_ms(now),
        )
        return inserted[0]["id"] if inserted else None

    def find(self, identity: int) -> Delivery | None:
        found = self._store.rows("SELECT * FROM deliveries WHERE id = ?", identity)
        return _read(found[0]) if found else None

    def page(
        self, endpoint: str, state: str | None, most: int, before: int | None = None
    ) -> list[Delivery]:
        """Newest first.  `before`: the id of the last one of the page before."""
        conditions = ["endpoint = ?"]
        values: list[Any] = [endpoint]
        for condition, value in (("state = ?", state), ("id < ?", before)):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        where = " AND ".join(conditions)
        found = self._store.rows(
            f"SELECT * FROM deliveries WHERE {where} ORDER BY id DESC LIMIT ?", *values, most
        )
        return [_read(row) for row in found]

    def count(self, endpoint: str) -> dict[str, int]:
        found = self._store.rows(
            "SELECT state, count(*) AS n FROM deliveries WHERE endpoint = ? GROUP BY state",
            endpoint,
        )
        return dict.fromkeys(DeliveryState, 0) | {row["state"]: row["n"] for row in found}

    def list_due_endpoints(self, now: datetime) -> list[str]:
        found = self._store.rows(
            "SELECT id FROM endpoints AS e WHERE state = 'active' AND EXISTS (SELECT 1 FROM"
            " deliveries WHERE endpoint = e.id AND state = 'pending' AND next_ms <= ?)",
            to_ms(now),
        )
        return [row["id"] for row in found]

    def list_due(
        self, endpoint: str, now: datetime, most: int, without: Collection[int]
    ) -> list[Delivery]:
        """Those that have waited longest, but for those under way."""
        marks = ", ".join("?" * len(without))
        found = self._store.rows(
            "SELECT * FROM deliveries WHERE endpoint = ? AND state = 'pending' AND next_ms <= ?"
            f" AND id NOT IN ({marks}) ORDER BY next_ms, created_ms, id LIMIT ?",
            endpoint,
            to_ms(now),
            *without,
            most,
        )
        return [_read(row) for row in found]

    def note_delivered(self, identity: int, status: int, now: datetime) -> None:
        self._store.execute(
            "UPDATE deliveries SET state = 'delivered', status = ?, problem = NULL, tried_ms = ?,"
            " done_ms = ? WHERE id = ?",
            status,
            to_ms(now),
            to_ms(now),
            identity,
        )

    def note_failure(
        self, identity: int, status: int | None, problem: str, now: datetime, pause: float | None
    ) -> None:
        """`pause`: seconds until the next attempt; None: there is none."""
        again = None if pause is None else now + timedelta(seconds=pause)
        self._store.execute(
            "UPDATE deliveries SET failures = failures + 1, status = ?, problem = ?, tried_ms = ?,"
            " state = ?, done_ms = ?, next_ms = coalesce(?, next_ms) WHERE id = ?",
            status,
            problem,
            to_ms(now),
            DeliveryState.FAILED if again is None else DeliveryState.PENDING,
            to_ms(now) if again is None else None,
            None if again is None else to_ms(again),
            identity,
        )

    def hasten(self, endpoint: str, now: datetime) -> int:
        """Make all that wait due at once.  How many there are."""
        return self._store.execute(
            "UPDATE deliveries SET next_ms = ? WHERE endpoint = ? AND state = 'pending'",
            to_ms(now),
            endpoint,
        )

    def replay(self, identities: Collection[int], now: datetime) -> int:
        """Begin them anew, with their ids."""
        marks = ", ".join("?" * len(identities))
        return self._store.execute(
            "UPDATE deliveries SET state = 'pending', failures = 0, next_ms = ?, done_ms = NULL,"
            f" status = NULL, problem = NULL WHERE id IN ({marks})",
            to_ms(now),
            *identities,
        )

    def list_period(
        self, endpoint: str, first: datetime, end: datetime, *, every: bool
    ) -> list[int]:
        """Ids of those whose event happened from `first` and before `end`: what was given up, or
        `every` one that has ended."""
        states = "('failed', 'delivered')" if every else "('failed')"
        found = self._store.rows(
            "SELECT id FROM deliveries WHERE endpoint = ? AND event_ms >= ? AND event_ms < ?"
            f" AND state IN {states} ORDER BY id",
            endpoint,
            to_ms(first),
            to_ms(end),
        )
        return [row["id"] for row in found]

    def give_up_old(self, now: datetime, problem: str) -> int:
        """Of endpoints that were paused too long; a chunk at a time."""
        return self._store.execute(
            "UPDATE deliveries SET state = 'failed', problem = ?, done_ms = ? WHERE id IN (SELECT"
            " d.id FROM deliveries AS d JOIN endpoints AS e ON e.id = d.endpoint WHERE e.state !="
            " 'active' AND d.state = 'pending' AND d.created_ms < ? LIMIT ?)",
            problem,
            to_ms(now),
            to_ms(now - KEPT),
            CHUNK,
        )

    def delete_old(self, now: datetime) -> int:
        """A chunk at a time."""
        return self._store.execute(
            "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE done_ms < ?"
            " LIMIT ?)",
            to_ms(now - KEPT),
            CHUNK,
        )

    def measure_waiting(self) -> tuple[int, datetime | None]:
        """How many are pending, and since when the oldest is."""
        found = self._store.rows(
            "SELECT count(*) AS n, min(created_ms) AS at FROM deliveries WHERE state = 'pending'"
        )
        return found[0]["n"], from_ms(found[0]["at"])


def _read(row: sqlite3.Row) -> Delivery:
    state = DeliveryState(row["state"])
    fields: dict[str, Any] = {name: row[name] for name in ("id", "endpoint", "type", "failures")}
    return Delivery(
        **fields,
        event_id=row["event"],
        event_at=from_ms(row["event_ms"]),
        created_at=from_ms(row["created_ms"]),
        state=state,
        next_at=from_ms(row["next_ms"]) if state is DeliveryState.PENDING else None,
        tried_at=from_ms(row["tried_ms"]),
        done_at=from_ms(row["done_ms"]),
        status=row["status"],
        problem=row["problem"],
        body=row["body"],
    )
