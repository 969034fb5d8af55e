"""The words of the texts that were requested, for a search (`message_search`).

A text's key begins with the time of its request, so that the index gives texts in the order of
lists. It keeps words only, not the texts: those are with their requests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from schemas.topics import SEND_REQUESTS
from services.ledger.projection import ParsedRecord

KEY_BITS: Final = 20
"""Of a key, for what tells texts of one millisecond apart."""
_LAST_MS: Final = (1 << 63 - KEY_BITS) - 1
_MOST_CHARACTERS: Final = 2000
"""Of a text whose words are kept: longer than any that can be sent."""


def first_key(requested_ms: int) -> int:
    """Texts requested before then have lower keys."""
    return min(max(requested_ms, 0), _LAST_MS) << KEY_BITS


def time_of_key(key: int) -> int:
    """Milliseconds since 1970."""
    return key >> KEY_BITS


def write_texts(sql: Any, new: Iterable[ParsedRecord]) -> None:
    rows = collect_texts(sql, new)
    sql.executemany("INSERT INTO texts VALUES (?, ?, ?)", [row[:3] for row in rows])
    words = [(row[0], row[3]) for row in rows]
    sql.executemany("INSERT INTO text_words (rowid, body) VALUES (?, ?)", words)


def collect_texts(sql: Any, new: Iterable[ParsedRecord]) -> list[tuple[Any, ...]]:
    """Key, tenant, id and body of those that are not there yet, in the order of their keys: out of
    order, the index would be written text by text."""
    found: dict[int, tuple[Any, ...]] = {}
    for record, message, _ in new:
        if message is None or record.partition.topic != SEND_REQUESTS.name:
            continue
        request: Any = message
        low = (record.offset << 3 | record.partition.number & 7) & ((1 << KEY_BITS) - 1)
        key = first_key(round(request.requested_at.timestamp() * 1000)) | low
        found[key] = (request.tenant, request.message_id, request.body[:_MOST_CHARACTERS])
    if not found:
        return []
    known_sql = (
        "SELECT key FROM texts WHERE key IN (SELECT CAST(value AS INTEGER) FROM json_each(?))"
    )
    for (known,) in sql.execute(known_sql, (json.dumps(list(found)),)).fetchall():
        del found[known]
    return sorted((key, *values) for key, values in found.items())
