"""The sheet of a day: which events are ahead, who has been reached, and whom to call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.case import Case, CaseCalendarEvent, Party, Readiness, TextState
from schemas.consent import ConsentStatus
from schemas.numbers import e164
from services.ledger import Ledger
from services.ledger.case_pages import read_calendar
from services.ledger.cases import (
    EventText,
    list_cases_by_id,
    list_event_texts,
    list_statuses,
)
from services.ledger.mailbox import MailboxFilter, find_messages
from services.ledger.paging import MOST_ROWS
from services.ledger.scope import Scope
from services.ledger.threads import find_waiting
from services.operations.case_view import PartyView, describe_unready, view_party
from streams.mailboxes import Box

DAYS: Final = 2
"""Today and tomorrow."""
_EARLIEST: Final = timedelta(hours=12 + 14)
_LATEST: Final = timedelta(hours=12 + 12)
"""A day's noon in UTC, less and plus these: no clock shows that day before or after."""


_Subject = tuple[str, str, str | None, str | None]
"""Of a text about an event: case, person, event and its time."""


class Reached(StrEnum):
    """How far somebody is for one event, the most pressing first."""

    CALL = "call"
    """No text has reached them, and none will."""
    IN_DOUBT = "in_doubt"
    """A text went out, and no receipt says that it arrived."""
    APPROVAL = "approval"
    """A text waits until somebody approves it."""
    PLANNED = "planned"
    """A text will go, or has not been asked for."""
    ARRIVED = "arrived"
    CONFIRMED = "confirmed"


class PartyLine(NamedTuple):
    party: Party
    reached: Reached
    says: str
    """In words: why they are to be called, or what has been sent."""
    message_id: str | None
    waiting_since: datetime | None
    """Since when they wait for an answer."""


class EventLine(NamedTuple):
    case: Case
    event: CaseCalendarEvent
    starts_at: datetime
    """By the clocks of its place."""
    parties: tuple[PartyLine, ...]

    @property
    def to_call(self) -> int:
        return sum(line.reached is Reached.CALL for line in self.parties)


class DaySheet(NamedTuple):
    days: tuple[tuple[date, tuple[EventLine, ...]], ...]
    """Each day with its events in order, also those without."""

    @property
    def lines(self) -> tuple[EventLine, ...]:
        return tuple(line for _, lines in self.days for line in lines)


def make_day_sheet(
    ledger: Ledger,
    tenant: str,
    first: date,
    now: datetime,
    branches: Collection[str] | None = None,
    number: int = DAYS,
) -> DaySheet:
    """Events of `first` and the days after, `number` of them, each by the calendar of its place.
    `branches`: only cases of these."""
    days = [first + timedelta(days=ahead) for ahead in range(number)]
    allowed = None if branches is None else frozenset(branches)
    found: dict[date, list[EventLine]] = {day: [] for day in days}
    case_ids = _list_case_ids(ledger, Scope({tenant: allowed}), days)
    cases = [
        (case, [one for one in _ahead(case.events) if _local(one).date() in found])
        for case in list_cases_by_id(ledger, tenant, case_ids)
    ]
    about = _About.read(ledger, tenant, [case for case, events in cases if events], now)
    for case, events in cases:
        for event in events:
            local = _local(event)
            lines = tuple(about.line(case, event, party) for party in case.parties)
            found[local.date()].append(EventLine(case, event, local, lines))
    return DaySheet(
        tuple((day, tuple(sorted(lines, key=_by_time))) for day, lines in found.items())
    )


class _About(NamedTuple):
    """What is known of all parties of a day, read at once: there may be thousands."""

    now: datetime
    statuses: Mapping[str, ConsentStatus]
    waiting: Mapping[str, datetime]
    texts: Mapping[_Subject, EventText]
    """The latest of each."""
    to_approve: Collection[str]
    """Of these texts the ones that wait for nothing but an approval."""

    @classmethod
    def read(cls, ledger: Ledger, tenant: str, cases: Sequence[Case], now: datetime) -> _About:
        numbers = {one.number for case in cases for one in case.parties if one.number}
        texts = list_event_texts(ledger, tenant, [case.case_id for case in cases])
        statuses = list_statuses(ledger, tenant, {e164(number) for number in numbers})
        return cls(
            now,
            statuses,
            find_waiting(ledger, tenant, numbers),
            {(one.case_id, one.person_id, one.event_id, one.event_starts_at): one for one in texts},
            _find_to_approve(ledger, tenant, texts, now),
        )

    def line(self, case: Case, event: CaseCalendarEvent, party: Party) -> PartyLine:
        view = view_party(party, {}, self.statuses)
        subject = (case.case_id, party.person_id, event.event_id, event.starts_at)
        last = self.texts.get(subject)
        reached, says = _judge(event, view, last, self.to_approve, self.now)
        since = self.waiting.get(party.number or "")
        return PartyLine(party, reached, says, last.message_id if last else None, since)


def _list_case_ids(ledger: Ledger, scope: Scope, days: list[date]) -> list[str]:
    """Of the open cases with an event that may be on one of these days where it is held."""
    noon = datetime.combine(days[0], time(12), UTC)
    since, until = noon - _EARLIEST, noon + timedelta(days=len(days) - 1) + _LATEST
    found = dict.fromkeys(_list_events(ledger, scope, since, until))
    return sorted(found)


def _list_events(ledger: Ledger, scope: Scope, since: datetime, until: datetime) -> Iterator[str]:
    cursor = None
    while True:
        page = read_calendar(ledger, scope, since, until, cursor=cursor, limit=MOST_ROWS)
        yield from (one.case_id for one in page.rows)
        cursor = page.cursor
        if cursor is None:
            return


def _find_to_approve(
    ledger: Ledger, tenant: str, texts: Iterable[EventText], now: datetime
) -> frozenset[str]:
    """Of these texts the ones that wait for nothing but an approval."""
    asked = [one.message_id for one in texts if one.state == TextState.REQUESTED and one.message_id]
    found = find_messages(ledger, MailboxFilter(tenant, ids=tuple(asked)), now)
    return frozenset(item.message_id for item in found if item.box is Box.READY)


def _by_time(line: EventLine) -> tuple[datetime, str]:
    return line.event.at, line.case.case_id


def _ahead(events: Iterable[CaseCalendarEvent]) -> Iterable[CaseCalendarEvent]:
    return (event for event in events if not event.canceled)


def _local(event: CaseCalendarEvent) -> datetime:
    return event.at.astimezone(ZoneInfo(event.time_zone))


def _judge(
    event: CaseCalendarEvent,
    party: PartyView,
    last: EventText | None,
    to_approve: Collection[str],
    now: datetime,
) -> tuple[Reached, str]:
    if any(one.person_id == party.party.person_id for one in event.confirmed):
        return Reached.CONFIRMED, "confirmed by reply"
    state = TextState(last.state) if last else None
    if last is not None and state in (TextState.ARRIVED, TextState.SENT):
        return _WENT[state]
    if party.readiness is not Readiness.READY:
        return Reached.CALL, describe_unready(party, now, ZoneInfo(event.time_zone))
    if last is not None and state in _ENDED:
        return Reached.CALL, last.says or _ENDED[state]
    return _judge_ahead(event, last, to_approve, now)


def _judge_ahead(
    event: CaseCalendarEvent, last: EventText | None, to_approve: Collection[str], now: datetime
) -> tuple[Reached, str]:
    if last is not None and last.state == TextState.REQUESTED:
        if last.message_id in to_approve:
            return Reached.APPROVAL, "a reminder waits until somebody approves it"
        return Reached.PLANNED, "a reminder is asked for and has not gone yet"
    if event.next_reminder_at is not None and event.next_reminder_at > now:
        return Reached.PLANNED, "a reminder is planned"
    return Reached.PLANNED, "no reminder is planned"


_WENT: Final = {
    TextState.ARRIVED: (Reached.ARRIVED, "the reminder has arrived"),
    TextState.SENT: (Reached.IN_DOUBT, "the reminder went out; no receipt yet"),
}
_ENDED: Final = {
    TextState.FAILED: "the reminder failed; call them",
    TextState.TOO_LATE: "it was too late for a reminder; call them",
    TextState.SKIPPED: "it was late for a reminder; call them if need be",
    TextState.NOT_RENDERED: "the reminder could not be written; call them",
}
