"""Events of cases in the order of their times, written whenever a case is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from schemas.case import Case
from schemas.topics import CASES
from services.ledger.projection import ParsedRecord


def write_calendar(sql: Any, new: Iterable[ParsedRecord]) -> None:
    """After the cases of the batch."""
    latest: dict[str, Case] = {}
    for record, message, _ in new:
        if record.partition.topic != CASES.name:
            continue
        if isinstance(message, Case):
            before = latest.get(message.case_key)
            if before is None or message.version >= before.version:
                latest[message.case_key] = message
        elif record.value is None and record.key:
            tenant, _, case_id = record.key.decode(errors="replace").partition("/")
            sql.execute(_CLEAR, (tenant, case_id))
    for identity, case in latest.items():
        row = sql.execute("SELECT rank FROM cases WHERE identity = ?", (identity,)).fetchone()
        if row is None or row[0] != case.version:
            continue  # the ledger has a later one
        sql.execute(_CLEAR, (case.tenant, case.case_id))
        about, shown = (case.tenant, case.case_id), (case.branch, case.closed)
        events = [
            (*about, one.event_id, _to_ms(one.at), *shown, one.title, one.event_type, one.all_day)
            for one in case.events
            if not one.canceled
        ]
        sql.executemany(_ADD, events)


def _to_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


_CLEAR: Final = "DELETE FROM case_calendar WHERE tenant = ? AND case_id = ?"
_ADD: Final = """INSERT INTO case_calendar VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, case_id, event_id) DO UPDATE SET at_ms = excluded.at_ms,
        branch = excluded.branch, closed = excluded.closed, title = excluded.title,
        event_type = excluded.event_type, all_day = excluded.all_day"""
