"""Search of messages, newest first: by id, by number, by the person's name, and by the words of the
text for those who may read texts.

Theory of operation
-------------------
Ids, numbers and people have indexes, and find a few messages, which are sorted. Words of texts have
an index that gives texts in the order of their requests (`text_index`). Both are merged by time.

A word may be in most texts, and what else is wanted may be rare. So a page looks at
`MOST_LOOKED_AT` texts at most: then it ends early, says how far back it has searched, and has a
cursor to go on from there.

Words count with their stems, whole: "hearings" finds "hearing", and "hear" does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from typing import Any, Final, NamedTuple

from services.ledger.ledger import Ledger
from services.ledger.message_items import MailboxItem, read_items
from services.ledger.message_pages import MessageFilter, match_rows
from services.ledger.paging import Page, limit_rows, read_cursor, write_cursor
from services.ledger.person_pages import find_by_words
from services.ledger.text_index import first_key, time_of_key

MOST_LOOKED_AT: Final = 3000
"""Texts with the words that one page looks at."""
_MOST_FOUND: Final = 500
"""Messages that an id, a number and a name may find each: the newest."""
_MOST_PEOPLE: Final = 100
_DIGITS: Final = 4
"""Fewer are no search for a number."""
_LETTERS: Final = 3
"""Fewer are no search for a name."""
_WORD: Final = re.compile(r"\w+")
_KINDS: Final = (int, int, int)
"""Of a cursor: time of the request; 1 for what the words found, else 0; key of the text or row."""


_FROM_THE_NEWEST: Final = ((1 << 63) - 1, 1, (1 << 63) - 1)


class _Hit(NamedTuple):
    """In the order of the list, from its end."""

    requested_ms: int
    by_words: int
    at: int
    row: int


def search_messages(
    ledger: Ledger,
    wanted: MessageFilter,
    search: str,
    now: datetime,
    *,
    may_read_texts: bool,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[MailboxItem]:
    """What matches the filter and the search. A page may have less than `limit` rows, and a cursor
    all the same. Raises InvalidCursor."""
    limit = limit_rows(limit)
    filters = (wanted, search, may_read_texts)
    after = read_cursor(cursor, _KINDS, *filters) if cursor else _FROM_THE_NEWEST
    with ledger.snapshot():
        query = _Search(ledger, wanted, now, search.strip(), after, may_read_texts)
        found = query.newest(limit + 1)
        rows = tuple(read_items(ledger, [hit.row for hit in found[:limit]], now))
    if len(found) > limit:
        return Page(rows, write_cursor(found[limit - 1][:3], *filters))
    if query.stopped_at is None:
        return Page(rows)
    searched_ms = time_of_key(query.stopped_at)
    return Page(rows, write_cursor((searched_ms, 1, query.stopped_at), *filters), searched_ms)


class _Search:
    def __init__(
        self,
        ledger: Ledger,
        wanted: MessageFilter,
        now: datetime,
        search: str,
        after: tuple[int, ...],
        may_read_texts: bool,
    ) -> None:
        self._ledger, self._wanted, self._now = ledger, wanted, now
        self._search, self._after = search, after
        self._may_read_texts = may_read_texts
        self.stopped_at: int | None = None
        """The key of the last text that was looked at, if there are more."""

    def newest(self, limit: int) -> list[_Hit]:
        few = self._few()
        known = {hit.row for hit in few}
        below = [hit for hit in few if hit[:3] < self._after]
        by_words = self._by_words(known) if self._may_read_texts else iter(())
        found = list[_Hit]()
        for hit in merge(below, by_words, reverse=True):
            if self.stopped_at is not None and hit[:3] < (time_of_key(self.stopped_at), 1, 0):
                break  # texts between here and there were not looked at
            found.append(hit)
            if len(found) == limit:
                self.stopped_at = None
                break
        return found

    def _few(self) -> list[_Hit]:
        """Newest first: what ids, numbers and names find."""
        rows = {row for found in self._find_few() for row in found}
        refs = match_rows(self._ledger, self._wanted, self._now, rows)
        return sorted((_Hit(one.requested_ms, 0, one.row, one.row) for one in refs), reverse=True)

    def _find_few(self) -> Iterator[list[int]]:
        yield self._by_id()
        digits = "".join(one for one in self._search if one in "0123456789")
        if len(digits) >= _DIGITS and not any(one.isalpha() for one in self._search):
            sql = "SELECT DISTINCT number FROM person_numbers WHERE number LIKE ? LIMIT ?"
            known = self._ledger.rows(sql, f"%{digits}", _MOST_PEOPLE)
            numbers = {row["number"] for row in known} | {f"+{digits}", f"+1{digits}"}
            yield self._rows(_OF_NUMBERS, sorted(numbers))
        elif len(self._search) >= _LETTERS:
            people = find_by_words(self._ledger, self._search, self._wanted.scope, _MOST_PEOPLE)
            yield self._rows(_OF_PEOPLE, people)

    def _by_id(self) -> list[int]:
        """Whose id begins so."""
        tenants = self._ledger.rows("SELECT DISTINCT tenant FROM facets")
        scope = self._wanted.scope.tenants
        first = [f"{row[0]}/{self._search}" for row in tenants if scope is None or row[0] in scope]
        return self._rows(_OF_IDS, first) if self._search else []

    def _rows(self, sql: str, values: Sequence[Any]) -> list[int]:
        return [row["row"] for row in self._ledger.rows(sql, json.dumps(values), _MOST_FOUND)]

    def _by_words(self, known: set[int]) -> Iterator[_Hit]:
        """In the order of the list. Notes where it stopped."""
        words = _WORD.findall(self._search)
        if not words:
            return
        match = " AND ".join(f'"{word}"' for word in words)
        below = self._after[2] if self._after[1] else first_key(self._after[0])
        sql = """SELECT w.rowid AS key, o.rowid AS row, o.requested_ms FROM (
                SELECT rowid FROM text_words WHERE text_words MATCH ? AND rowid < ?
                ORDER BY rowid DESC LIMIT ?) w
            CROSS JOIN texts t ON t.key = w.rowid
            LEFT JOIN outcomes o ON o.identity = t.tenant || '/' || t.message_id"""
        rows = self._ledger.rows(sql, match, below, MOST_LOOKED_AT)
        known_rows = {row["row"] for row in rows if row["row"] is not None}
        refs = match_rows(self._ledger, self._wanted, self._now, known_rows)
        fits = {ref.row for ref in refs}
        if len(rows) == MOST_LOOKED_AT:
            self.stopped_at = rows[-1]["key"]
        seen = set(known)
        for row in rows:
            if row["row"] in fits and row["row"] not in seen:
                seen.add(row["row"])
                yield _Hit(time_of_key(row["key"]), 1, row["key"], row["row"])


_OF_NUMBERS: Final = """SELECT o.rowid AS row FROM json_each(?) j
    CROSS JOIN outcomes o INDEXED BY outcomes_number ON o.number = j.value
    ORDER BY o.requested_ms DESC LIMIT ?"""
_OF_PEOPLE: Final = """SELECT o.rowid AS row FROM json_each(?) j
    CROSS JOIN outcomes o INDEXED BY outcomes_person_id
    ON o.person_id = json_extract(j.value, '$[1]') AND o.tenant = json_extract(j.value, '$[0]')
    ORDER BY o.requested_ms DESC LIMIT ?"""
_OF_IDS: Final = """SELECT o.rowid AS row FROM json_each(?) j
    CROSS JOIN outcomes o ON o.identity >= j.value AND o.identity < j.value || char(1114111)
    LIMIT ?"""
