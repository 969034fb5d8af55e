"""A conversation page by page, the newest first, whatever its length.

Each kind of entry is gone through in the order of its records, and the kinds are merged by time. A
cursor says how far each kind was read, so that nothing comes twice or is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.numbers import e164
from services.ledger.ledger import Ledger
from services.ledger.paging import Page, limit_rows, read_cursor, write_cursor
from services.ledger.threads import SOURCES, ConversationRecords, Entry, Position

FAR: Final = 1600
"""Entries: so far back an entry is looked for."""
_NEWEST: Final = (2**62, 0)
_KINDS: Final = (int,) * (2 * len(SOURCES))
"""Of a cursor: partition and offset, for each table."""


class _Found(NamedTuple):
    table: str
    entry: Entry
    position: Position


def read_entries(
    ledger: Ledger,
    tenant: str,
    number: str,
    *,
    cursor: str | None = None,
    limit: int = 50,
    down_to: str | None = None,
) -> Page[Entry]:
    """`down_to`: so many more that they reach the entry of this place, if it is not too far back.

    Raises InvalidCursor."""
    limit = limit_rows(limit)
    name = f"{tenant}/{e164(number)}"
    before = _read_cursor(cursor, name) if cursor else {}
    with ledger.snapshot():
        about = ConversationRecords(ledger, tenant, e164(number), limit + 1, before, {})
        found = _merge(about)
        count = _reach(found, limit, limit, down_to)
        more = limit
        while count is None and len(found) > more < FAR:
            more *= 2
            found = _merge(about._replace(most=more + 1))
            count = _reach(found, more, limit, down_to)
    shown = found[: limit if count is None else count]
    entries = tuple(one.entry for one in shown)
    if len(found) == len(shown):
        return Page(entries)
    reached = {**before}
    for one in shown:
        reached[one.table] = one.position
    return Page(entries, _write_cursor(reached, name))


def _reach(found: Sequence[_Found], within: int, limit: int, down_to: str | None) -> int | None:
    """How many are shown. None: the entry is not among these."""
    if down_to is None:
        return min(limit, len(found))
    places = [one.entry.place for one in found[:within]]
    return max(places.index(down_to) + 1, min(limit, len(found))) if down_to in places else None


def _merge(about: ConversationRecords) -> list[_Found]:
    """The newest first, of each kind as many as were asked for."""
    kinds = [_read_kind(about, table) for table in SOURCES]
    merged = []
    while any(kinds):
        # Of the same time, what stands later in SOURCES is newer.
        _, at = max((kind[-1].entry.at, at) for at, kind in enumerate(kinds) if kind)
        merged.append(kinds[at].pop())
    return merged


def _read_kind(about: ConversationRecords, table: str) -> list[_Found]:
    """The oldest first."""
    end = about.before.get(table, _NEWEST)
    found = []
    for entry in SOURCES[table](about):
        partition, _, offset = entry.place.rpartition("@")[2].partition(":")
        position = about.moved.get(entry.place) or (int(partition), int(offset))
        if position < end:
            found.append(_Found(table, entry, position))
    return sorted(found, key=lambda one: one.position)


def _read_cursor(cursor: str, name: str) -> dict[str, Position]:
    values = read_cursor(cursor, _KINDS, name)
    pairs = zip(values[::2], values[1::2], strict=True)
    return dict(zip(SOURCES, pairs, strict=True))


def _write_cursor(reached: dict[str, Position], name: str) -> str:
    flat = [part for table in SOURCES for part in reached.get(table, _NEWEST)]
    return write_cursor(tuple(flat), name)
