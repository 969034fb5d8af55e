"""A ledger without a broker: facts folded into its file as if they had been read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.base import Message
from schemas.topics import Topic
from services.ledger.fold import Entry, Place, read
from services.ledger.ledger import FILE
from services.ledger.store import Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def shelved(folder: Path, *facts: tuple[Topic[Any], Message], at: datetime = NOON) -> None:
    """Each at the offset that is its place in the list, all on partition 0, a millisecond after the one before."""
    store, first = Store(folder / FILE), round(at.timestamp() * 1000)
    entries = [
        Entry(
            Place(topic.name, 0),
            offset,
            first + offset,
            topic.key(fact).encode(),
            topic.encode(fact),
        )
        for offset, (topic, fact) in enumerate(facts)
    ]
    reached = {entry.place: entry.offset + 1 for entry in entries}
    store.fold([read(entry) for entry in entries], reached, store.meta("generation"))
    store.close()
