"""The books recounted again and again, and every hour that changed put on `sms.balance`."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.reports import BalanceRow
from schemas.topics import BALANCE
from services.kafka.publisher import NotPublished, Publisher
from services.ledger.balance import HOUR, HOUR_OF, Hour, news
from services.ledger.ledger import Ledger, LedgerError

EVERY: Final = 5.0
"""Seconds between two counts."""

_SOURCES: Final = ("requests", "person_requests", "decisions", "outcome_history")
_OPEN: Final = (
    "SELECT json FROM balances WHERE residue <> 0 OR json_array_length(json, '$.astray') > 0"
)


class Recount:
    """Knows how far it has counted, and so which hours to look at again.  Counts all of them when it begins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[str, int] = {}
        self._generation = ""

    async def run(self, bootstrap: str, stop: asyncio.Event) -> None:
        publisher = Publisher(bootstrap, source="ledger")
        try:
            while not stop.is_set():
                with contextlib.suppress(NotPublished, LedgerError):
                    if rows := await asyncio.to_thread(self.changed):
                        await publisher.publish_all(BALANCE, rows)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), EVERY)
        finally:
            await publisher.stop()

    def changed(self) -> list[BalanceRow]:
        """What an hour's row is to say now, where it is something new.  Raises LedgerError."""
        ledger = Ledger.open(self._path, existing=True)
        try:
            return news(ledger, self._touched(ledger), datetime.now(UTC))
        finally:
            ledger.close()

    def _touched(self, ledger: Ledger) -> set[Hour]:
        """Hours of what was taken in since the last time, and those that did not balance then; a file that was rebuilt
        is counted from its beginning."""
        meta = ledger.rows("SELECT value FROM meta WHERE name = 'generation'")
        if self._generation != (generation := meta[0]["value"] if meta else ""):
            self._done, self._generation = {}, generation
        found = _unbalanced(ledger)
        for table in _SOURCES:
            last = ledger.rows(f"SELECT max(rowid) AS last FROM {table}")[0]["last"] or 0
            sql = f"SELECT DISTINCT tenant, {HOUR_OF} FROM {table} WHERE rowid > ? AND rowid <= ?"
            found |= {
                Hour(row["tenant"], row["hour"])
                for row in ledger.rows(sql, self._done.get(table, 0), last)
            }
            self._done[table] = last
        return found


def _unbalanced(ledger: Ledger) -> set[Hour]:
    rows = (BalanceRow.model_validate_json(row["json"]) for row in ledger.rows(_OPEN))
    return {Hour(row.tenant, round(row.hour.timestamp() * 1000) // HOUR) for row in rows}
