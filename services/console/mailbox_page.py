"""The mailboxes as the SMS manager shows them: what an address asks for, and a page of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from schemas.decision import Finding, Verdict
from schemas.outcome import Outcome
from schemas.text_hash import sha256_hex
from services.ledger import Ledger
from services.ledger.mailbox import MailboxFilter, MailboxItem, list_mailbox
from services.ledger.message_status import find_request
from services.ledger.people import find_person
from streams.error_codes import Code, lookup
from streams.lifecycle import State
from streams.mailboxes import BOXES, FAILED_AFTER, FAILED_BEFORE, Box

PAGE: Final = 100
"""Rows of a page. As many as may be acted on without being asked."""
MOST_COUNTED: Final = 1000
"""A longer list has "more than" so many."""
MOST_AT_ONCE: Final = 2000
"""Messages that one press of a button may act on."""

Branches = frozenset[str] | None
"""Those that the viewer may see. None: all."""


class Tab(StrEnum):
    READY = "ready"
    OUTBOX = "outbox"
    SENTBOX = "sentbox"
    FAILED = "failed"
    """What somebody should look at, of the Outbox and the Sentbox."""


BOXES_OF: Final[Mapping[Tab, tuple[Box, ...]]] = {
    Tab.READY: (Box.READY,),
    Tab.OUTBOX: (Box.OUTBOX,),
    Tab.SENTBOX: (Box.SENTBOX,),
    Tab.FAILED: (Box.OUTBOX, Box.SENTBOX),
}
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

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Self:
        """What nobody can have meant is left out: an address is typed and shortened by people."""
        words = {name: params.get(name, "").strip() for name in _WORDS}
        box = params.get("box", "")
        return cls(
            box=Tab(box) if box in set(Tab) else Tab.READY,
            since=_read_day(params.get("since", "")),
            until=_read_day(params.get("until", "")),
            **words,
        )

    def address(self, **changes: Any) -> str:
        """As a query string, without what is empty."""
        fields = self._replace(**changes)._asdict()
        return urlencode({name: str(value) for name, value in fields.items() if value})

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
    total: int
    """That match, MOST_COUNTED + 1 at most."""
    next: str
    """Where the next page begins; empty on the last."""


def read_page(
    ledger: Ledger, tenant: str, branches: Branches, query: MailboxQuery, now: datetime, after: str
) -> MailboxPage:
    with closing(_matching(ledger, tenant, branches, query, now)) as found:
        items = list(islice(found, MOST_COUNTED + 1))
    start = next((n for n, one in enumerate(items, 1) if one.message_id == after), 0)
    shown = items[start : start + PAGE]
    more = len(items) > start + PAGE
    rows = tuple(read_row(ledger, item) for item in shown)
    return MailboxPage(rows, len(items), shown[-1].message_id if more else "")


def read_rows(
    ledger: Ledger, tenant: str, branches: Branches, query: MailboxQuery, now: datetime, most: int
) -> tuple[MailboxRow, ...]:
    """All that match, the newest first."""
    with closing(_matching(ledger, tenant, branches, query, now)) as found:
        return tuple(read_row(ledger, item) for item in islice(found, most))


def each_row(
    ledger: Ledger, tenant: str, branches: Branches, query: MailboxQuery, now: datetime
) -> Iterator[MailboxRow]:
    for item in _matching(ledger, tenant, branches, query, now):
        yield read_row(ledger, item)


def count_tabs(ledger: Ledger, tenant: str, branches: Branches, now: datetime) -> dict[Tab, int]:
    counts = {}
    for tab in Tab:
        with closing(_matching(ledger, tenant, branches, MailboxQuery(tab), now)) as found:
            counts[tab] = sum(1 for _ in islice(found, MOST_COUNTED + 1))
    return counts


def _matching(
    ledger: Ledger, tenant: str, branches: Branches, query: MailboxQuery, now: datetime
) -> Any:
    wanted = MailboxFilter(
        tenant,
        query.branch or None,
        query.person or None,
        query.code or None,
        query.since,
        query.until,
    )
    for box in BOXES_OF[query.box]:
        with closing(list_mailbox(ledger, box, wanted, now)) as found:
            for item in found:
                if is_in_scope(item.outcome, branches) and _matches(ledger, item, query):
                    yield item


def is_in_scope(message: Mapping[str, Any], branches: Branches) -> bool:
    """What has no branch belongs to those who see all."""
    return branches is None or message.get("branch") in branches


def _matches(ledger: Ledger, item: MailboxItem, query: MailboxQuery) -> bool:
    outcome = item.outcome
    pairs = (
        (query.state, outcome["state"]),
        (query.kind, outcome["kind"]),
        (query.case, outcome.get("case_id")),
    )
    if any(wanted and wanted != held for wanted, held in pairs):
        return False
    if query.box is Tab.FAILED and not (item.attention and item.state in STATES_OF[Tab.FAILED]):
        return False
    if not query.search:
        return True
    row = read_row(ledger, item)
    words = (row.body or "", row.person_name, item.number or "", item.message_id)
    return query.search.lower() in "\n".join(words).lower()


def read_row(ledger: Ledger, item: MailboxItem) -> MailboxRow:
    request = find_request(ledger, item.tenant, item.message_id)
    person_id = item.outcome.get("person_id")
    person = find_person(ledger, item.tenant, person_id) if person_id else None
    name = (person.name or "") if person else ""
    return MailboxRow(item, request.body if request else None, name or person_id or "")


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
