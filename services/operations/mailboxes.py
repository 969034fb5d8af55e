"""The mailboxes as staff look at them: what they ask for, a page of rows, and how many match.

The console keeps what is asked for in the address of its page, the command line in its options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from schemas.decision import Finding, Verdict
from schemas.outcome import Outcome
from schemas.text_hash import sha256_hex
from services.ledger import Ledger
from services.ledger.message_items import MailboxItem
from services.ledger.message_pages import (
    MessageFilter,
    count_boxes,
    count_messages,
    read_messages,
)
from services.ledger.message_search import MessageSearch
from services.ledger.message_status import find_requests
from services.ledger.paging import MOST_ROWS, Count, InvalidCursor, Page
from services.ledger.people import find_names
from services.ledger.scope import Scope
from streams.error_codes import Code, lookup
from streams.lifecycle import State
from streams.mailboxes import BOXES, FAILED_AFTER, FAILED_BEFORE, Box

PAGE: Final = 100
"""Rows of a page. As many as may be acted on without being asked."""
LONGEST_WORDS: Final = 200
"""Characters of one field of a search."""
MOST_AT_ONCE: Final = 2000
"""Messages that one press of a button may act on."""


class Tab(StrEnum):
    READY = "ready"
    OUTBOX = "outbox"
    SENTBOX = "sentbox"
    FAILED = "failed"
    """What somebody should look at, of the Outbox and the Sentbox."""


STATES_OF: Final[Mapping[Tab, tuple[State, ...]]] = {
    Tab.READY: (),
    Tab.OUTBOX: tuple(state for state, box in BOXES.items() if box is Box.OUTBOX),
    Tab.SENTBOX: tuple(state for state, box in BOXES.items() if box is Box.SENTBOX),
    Tab.FAILED: tuple(state for state in State if state in FAILED_BEFORE | FAILED_AFTER),
}


class MailboxQuery(NamedTuple):
    """What the address asks for. Empty: any."""

    box: Tab = Tab.READY
    branch: str = ""
    case: str = ""
    person: str = ""
    state: str = ""
    code: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    search: str = ""
    attention: bool = False
    """Only what somebody should look at."""

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Self:
        """What nobody can have meant is left out: an address is typed and shortened by people."""
        words = {name: params.get(name, "").strip()[:LONGEST_WORDS] for name in _WORDS}
        box = params.get("box", "")
        return cls(
            box=Tab(box) if box in set(Tab) else Tab.READY,
            since=_read_day(params.get("since", "")),
            until=_read_day(params.get("until", "")),
            attention=bool(params.get("attention")),
            **words,
        )

    def address(self, **changes: Any) -> str:
        """As a query string, without what is empty."""
        fields = self._replace(**changes)._asdict()
        return urlencode({name: str(value) for name, value in fields.items() if value})

    @property
    def is_filtered(self) -> bool:
        return bool(self.filters or self.search)

    @property
    def filters(self) -> int:
        """How many are given, besides the search."""
        fields = (self.branch, self.case, self.person, self.state, self.code, self.kind)
        return sum(map(bool, (*fields, self.since or self.until)))


_WORDS: Final = ("branch", "case", "person", "state", "code", "kind", "search")


class MailboxRow(NamedTuple):
    item: MailboxItem
    body: str | None
    """None: its text is not on record any more."""
    person_name: str

    def __getattr__(self, name: str) -> Any:
        """A field of the outcome; None where it has none."""
        if name not in Outcome.model_fields:
            raise AttributeError(name)
        return self.item.outcome.get(name)

    @property
    def sha256(self) -> str:
        return sha256_hex(self.body) if self.body is not None else ""

    @property
    def code(self) -> Code | None:
        code = self.item.outcome.get("error_code")
        return lookup(code) if code else None

    @property
    def reasons(self) -> list[Finding]:
        """What decided that it waits or is not sent."""
        verdicts = {State.HELD: Verdict.HOLD, State.REJECTED: Verdict.REJECT}
        verdict = verdicts.get(self.item.state, Verdict.EXPIRE)
        return [one for one in self.item.findings if one.verdict is verdict]

    @property
    def until(self) -> datetime | None:
        """Until when the clock alone keeps it."""
        return max((one.until for one in self.reasons if one.until), default=None)


class MailboxPage(NamedTuple):
    rows: tuple[MailboxRow, ...]
    total: Count
    """That match, on all pages."""
    next: str
    """Where the next page begins; empty on the last."""
    searched_to: datetime | None = None
    """Back to when a search of words has looked, if it stopped there."""


class Mailboxes:
    """As far as somebody may see them."""

    def __init__(self, ledger: Ledger, scope: Scope, now: datetime) -> None:
        self.ledger = ledger
        self.scope = scope
        self.now = now
        self._searches: dict[str, MessageSearch] = {}
        """Each looks once for what all tabs count."""
        self._counts: dict[MailboxQuery, Count] = {}
        """A list and its tab show the same number."""

    def page(self, query: MailboxQuery, after: str) -> MailboxPage:
        try:
            found = self._find(query, after or None, PAGE)
        except InvalidCursor:  # an address that somebody shortened, or of another list
            found = self._find(query, None, PAGE)
        rows = read_rows(self.ledger, found.rows)
        searched = found.searched_ms
        is_whole = not after and found.cursor is None
        return MailboxPage(
            rows,
            Count(len(rows)) if is_whole else self._count(query),
            found.cursor or "",
            None if searched is None else datetime.fromtimestamp(searched / 1000, UTC),
        )

    def each(self, query: MailboxQuery) -> Iterator[MailboxRow]:
        """All that match, the newest first. Each page is read when its first row is wanted."""
        cursor: str | None = None
        while True:
            found = self._find(query, cursor, MOST_ROWS)
            yield from read_rows(self.ledger, found.rows)
            cursor = found.cursor
            if cursor is None:
                return

    def count_tabs(self, query: MailboxQuery) -> dict[Tab, Count]:
        """How many of each tab match, so that nobody looks for a text in the wrong one."""
        plain = query._replace(box=Tab.READY, state="")
        if plain != MailboxQuery():
            return {tab: self._count(plain._replace(box=tab)) for tab in Tab}
        boxes = count_boxes(self.ledger, self.scope, self.now)
        failed = self._filter(MailboxQuery(Tab.FAILED))
        return {
            **{Tab(box): Count(counts.messages) for box, counts in boxes.items()},
            Tab.FAILED: count_messages(self.ledger, failed, self.now),
        }

    def _find(self, query: MailboxQuery, cursor: str | None, limit: int) -> Page[MailboxItem]:
        wanted = self._filter(query)
        if not query.search:
            return read_messages(self.ledger, wanted, self.now, cursor=cursor, limit=limit)
        return self._search(query).read_page(wanted, cursor, limit)

    def _count(self, query: MailboxQuery) -> Count:
        found = self._counts.get(query)
        if found is None:
            wanted = self._filter(query)
            if query.search:
                found = self._search(query).count(wanted)
            else:
                found = count_messages(self.ledger, wanted, self.now)
            self._counts[query] = found
        return found

    def _search(self, query: MailboxQuery) -> MessageSearch:
        found = self._searches.get(query.search)
        if found is None:
            found = MessageSearch(
                self.ledger, self.scope, query.search, self.now, may_read_texts=True
            )
            self._searches[query.search] = found
        return found

    def _filter(self, query: MailboxQuery) -> MessageFilter:
        failed = query.box is Tab.FAILED
        states = {query.state} if query.state else set(STATES_OF[Tab.FAILED]) if failed else set()
        return MessageFilter(
            self.scope,
            None if failed else Box(query.box),
            True if failed or query.attention else None,
            frozenset(states),
            frozenset({query.code} - {""}),
            frozenset({query.kind} - {""}),
            branches=frozenset({query.branch} - {""}),
            person=query.person or None,
            case=query.case or None,
            since=query.since,
            until=query.until,
        )


def read_rows(ledger: Ledger, items: Sequence[MailboxItem]) -> tuple[MailboxRow, ...]:
    requests = find_requests(ledger, [(item.tenant, item.message_id) for item in items])
    people = [(item.tenant, item.outcome.get("person_id") or "") for item in items]
    names = find_names(ledger, [who for who in people if who[1]])
    rows = []
    for item, who in zip(items, people, strict=True):
        request = requests.get((item.tenant, item.message_id))
        rows.append(MailboxRow(item, request.body if request else None, names.get(who, who[1])))
    return tuple(rows)


def _read_day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def periods(today: date) -> tuple[tuple[str, date | None], ...]:
    """Words for a period, and the day it begins."""
    return (
        ("Today", today),
        ("7 days", today - timedelta(days=6)),
        ("30 days", today - timedelta(days=29)),
        ("Any time", None),
    )
