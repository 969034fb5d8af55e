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
from typing import Any, Final, NamedTuple

from services.ledger.ledger import Ledger
from services.ledger.message_items import MailboxItem, read_items
from services.ledger.message_pages import CANDIDATE, Candidate, MessageFilter, match_rows
from services.ledger.paging import COUNTED, Count, Page, limit_rows, read_cursor, write_cursor
from services.ledger.person_pages import find_by_words
from services.ledger.scope import Scope
from services.ledger.text_index import first_key, time_of_key

MOST_LOOKED_AT: Final = 2000
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


class _Texts(NamedTuple):
    """What words have found, by the keys of the texts."""

    found: tuple[tuple[int, Candidate], ...]
    stopped_at: int | None
    """The key of the last text that was looked at, if there are more."""


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
    found = MessageSearch(ledger, wanted.scope, search, now, may_read_texts=may_read_texts)
    return found.read_page(wanted, cursor, limit)


class MessageSearch:
    """What one search finds, for pages and counts with several filters: what is found is looked up
    once."""

    def __init__(
        self, ledger: Ledger, scope: Scope, search: str, now: datetime, *, may_read_texts: bool
    ) -> None:
        self._ledger, self._scope, self._now = ledger, scope, now
        self._search = search
        self._may_read_texts = may_read_texts
        self._few: list[Candidate] | None = None
        self._newest: _Texts | None = None

    def read_page(self, wanted: MessageFilter, cursor: str | None, limit: int) -> Page[MailboxItem]:
        """Raises InvalidCursor."""
        limit = limit_rows(limit)
        filters = (wanted, self._search, self._may_read_texts)
        after = read_cursor(cursor, _KINDS, *filters) if cursor else _FROM_THE_NEWEST
        with self._ledger.snapshot():
            found, stopped_at = self._list(wanted, after, limit + 1)
            rows = tuple(read_items(self._ledger, [hit.row for hit in found[:limit]], self._now))
        if len(found) > limit:
            return Page(rows, write_cursor(found[limit - 1][:3], *filters))
        if stopped_at is None:
            return Page(rows)
        searched_ms = time_of_key(stopped_at)
        return Page(rows, write_cursor((searched_ms, 1, stopped_at), *filters), searched_ms)

    def count(self, wanted: MessageFilter, most: int = COUNTED) -> Count:
        """Of what the first page of a search looks at; capped where that is not all."""
        with self._ledger.snapshot():
            texts = self._read_newest()
            few = self._read_few()
            known = {one.row for one in few}
            found = [*few, *(one for _, one in texts.found if one.row not in known)]
            count = len(match_rows(self._ledger, wanted, self._now, found))
        return Count(min(count, most), count > most or texts.stopped_at is not None)

    def _list(
        self, wanted: MessageFilter, after: tuple[int, ...], limit: int
    ) -> tuple[list[_Hit], int | None]:
        """In the order of the list; and the key of the last text that was looked at, if there are
        more."""
        few = self._read_few()
        known = {one.row for one in few}
        is_first = after == _FROM_THE_NEWEST
        texts = self._read_newest() if is_first else self._read_texts(after)
        both = [*few, *(one for _, one in texts.found)]
        fits = {ref.row for ref in match_rows(self._ledger, wanted, self._now, both)}
        hits = {_Hit(one.requested_ms, 0, one.row, one.row) for one in few if one.row in fits}
        seen = set(known)
        for key, one in texts.found:
            if one.row in fits and one.row not in seen:
                seen.add(one.row)
                hits.add(_Hit(time_of_key(key), 1, key, one.row))
        # Texts that are older than where it stopped were not looked at.
        stop = (-1,) if texts.stopped_at is None else (time_of_key(texts.stopped_at), 1, 0)
        below = sorted((hit for hit in hits if stop < hit[:3] < after), reverse=True)
        return below[:limit], texts.stopped_at

    def _read_few(self) -> list[Candidate]:
        """What ids, numbers and names find."""
        if self._few is None:
            rows = {row for found in self._find_few() for row in found}
            sql = f"""SELECT {CANDIDATE} FROM json_each(?) j
                CROSS JOIN outcomes o ON o.rowid = CAST(j.value AS INTEGER)
                ORDER BY j.key"""
            found = self._ledger.rows(sql, json.dumps(sorted(rows))) if rows else []
            self._few = [Candidate(*row) for row in found]
        return self._few

    def _find_few(self) -> Iterator[list[int]]:
        search = self._search.strip()
        yield self._by_id(search)
        digits = "".join(one for one in search if one in "0123456789")
        if len(digits) >= _DIGITS and not any(one.isalpha() for one in search):
            sql = "SELECT DISTINCT number FROM person_numbers WHERE number LIKE ? LIMIT ?"
            known = self._ledger.rows(sql, f"%{digits}", _MOST_PEOPLE)
            numbers = {row["number"] for row in known} | {f"+{digits}", f"+1{digits}"}
            yield self._rows(_OF_NUMBERS, sorted(numbers))
        elif len(search) >= _LETTERS:
            people = find_by_words(self._ledger, search, self._scope, _MOST_PEOPLE)
            yield self._rows(_OF_PEOPLE, people)

    def _by_id(self, search: str) -> list[int]:
        """Whose id begins so."""
        tenants = self._ledger.rows("SELECT DISTINCT tenant FROM facets")
        scope = self._scope.tenants
        found = list[int]()
        for tenant in sorted(row[0] for row in tenants if scope is None or row[0] in scope):
            first, most = f"{tenant}/{search}", _MOST_FOUND - len(found)
            if search and most > 0:
                rows = self._ledger.rows(_OF_IDS, first, f"{first}\U0010ffff", most)
                found += [row["row"] for row in rows]
        return found

    def _rows(self, sql: str, values: Sequence[Any]) -> list[int]:
        return [row["row"] for row in self._ledger.rows(sql, json.dumps(values), _MOST_FOUND)]

    def _read_newest(self) -> _Texts:
        if self._newest is None:
            self._newest = self._read_texts(_FROM_THE_NEWEST)
        return self._newest

    def _read_texts(self, after: tuple[int, ...]) -> _Texts:
        """With the words, the newest first."""
        words = _WORD.findall(self._search)
        if not words or not self._may_read_texts:
            return _Texts((), None)
        below = after[2] if after[1] else first_key(after[0])
        texts, values = self._ledger.word_search.find_texts(words, below, MOST_LOOKED_AT)
        sql = f"""SELECT w.key, {CANDIDATE} FROM ({texts}) w
            CROSS JOIN texts t ON t.key = w.key
            LEFT JOIN outcomes o ON o.identity = t.tenant || '/' || t.message_id
            ORDER BY w.key DESC"""
        rows = self._ledger.rows(sql, *values)
        found = tuple((row[0], Candidate(*row[1:])) for row in rows if row[1] is not None)
        return _Texts(found, rows[-1]["key"] if len(rows) == MOST_LOOKED_AT else None)


_OF_NUMBERS: Final = """SELECT o.rowid AS row FROM json_each(?) j
    CROSS JOIN outcomes o INDEXED BY outcomes_number ON o.number = j.value
    ORDER BY o.requested_ms DESC, o.rowid DESC LIMIT ?"""
_OF_PEOPLE: Final = """SELECT o.rowid AS row FROM json_each(?) j
    CROSS JOIN outcomes o INDEXED BY outcomes_person_id
    ON o.person_id = json_extract(j.value, '$[1]') AND o.tenant = json_extract(j.value, '$[0]')
    ORDER BY o.requested_ms DESC, o.rowid DESC LIMIT ?"""
_OF_IDS: Final = """SELECT rowid AS row FROM outcomes WHERE identity >= ? AND identity < ?
    ORDER BY identity LIMIT ?"""
