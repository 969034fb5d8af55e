"""Bring events of a calendar into cases: say first what would change, then publish it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from schemas.case import Case, CaseCalendarEvent
from schemas.case_event import EventCanceled, EventSaved
from services.ledger import Ledger
from services.ledger.cases import list_cases
from services.operations.calendar_items import CalendarFile, CalendarItem, LeftOut, Series
from services.operations.case_doubts import is_reminded
from services.operations.case_parts import EventDraft, build_event
from services.operations.cases import KnownCase, build_change, find_case, find_event, know_case
from services.operations.errors import InvalidRequest


class Action(StrEnum):
    NEW = "new"
    MOVED = "moved"
    CHANGED = "changed"
    """Its title, type or place."""
    CANCELED = "canceled"
    GONE = "gone"
    """Canceled, because its series does not have it any more."""
    RESTORED = "restored"
    SAME = "same"
    OLDER = "older"
    """The case has a later version of it."""


class ImportRow(NamedTuple):
    """What becomes of one event."""

    place: str
    about: KnownCase
    event_id: str
    action: Action
    before: str
    after: str
    """When it is on, as written."""
    title: str
    change: Any = None
    """What will be published; None: nothing."""
    doubts: tuple[str, ...] = ()


class ImportPlan(NamedTuple):
    rows: tuple[ImportRow, ...]
    left_out: tuple[LeftOut, ...]
    passed: int

    @property
    def changes(self) -> list[Any]:
        return [row.change for row in self.rows if row.change is not None]

    @property
    def unreminded(self) -> int:
        """Events that would be saved, and of which nobody would hear."""
        return sum(
            isinstance(row.change, EventSaved)
            and not is_reminded(row.about, row.change.event_type, row.change.reminders)
            for row in self.rows
        )


class Target(NamedTuple):
    """Into which cases: this one, or those that the file names."""

    tenant: str | None
    case_id: str | None = None
    match: bool = False
    remind: Sequence[str] = ()
    """Reminders of events that are new."""


def plan_import(
    ledger: Ledger, file: CalendarFile, target: Target, by: str, now: datetime
) -> ImportPlan:
    """Raises InvalidRequest for a case that is not on record."""
    finder = _Finder(ledger, target)
    rows: list[ImportRow] = []
    left_out = list(file.left_out)
    for item in file.items:
        found = finder.find(item)
        if isinstance(found, str):
            left_out.append(LeftOut(item.place, found))
        else:
            rows.append(_plan(found, item, target, by, now))
    rows.extend(_find_gone(file, rows, finder.known, by, now))
    return ImportPlan(tuple(rows), tuple(left_out), file.passed)


class _Finder:
    """Which case an event is for."""

    def __init__(self, ledger: Ledger, target: Target) -> None:
        self._ledger = ledger
        self._target = target
        self._one = (
            find_case(ledger, target.case_id, target.tenant) if target.case_id is not None else None
        )
        self._cases = () if self._one else list_cases(ledger, target.tenant)
        self._known: dict[str, KnownCase] = {}

    @property
    def known(self) -> list[KnownCase]:
        """Cases that events were found for, and the one that was named."""
        return [self._one] if self._one else list(self._known.values())

    def find(self, item: CalendarItem) -> KnownCase | str:
        """Or why there is none."""
        if self._one is not None:
            return self._one
        if item.case is not None:
            found = [case for case in self._cases if _is_named(case, item.case)]
            name = f"{item.case!r}"
        else:
            found = [case for case in self._cases if _is_in(case, item.words)]
            name = "it"
        if not found:
            return f"there is no open case {name}" if item.case else "it names no open case"
        if len(found) > 1:
            names = ", ".join(f"{case.tenant}/{case.case_id}" for case in found[:5])
            return f"{name} may be for several cases: {names}"
        (case,) = found
        if case.case_key not in self._known:
            self._known[case.case_key] = know_case(self._ledger, case)
        return self._known[case.case_key]


def _is_named(case: Case, written: str) -> bool:
    """By id, or by the court's number in any case and spacing."""
    return case.case_id == written or (
        case.reference is not None and _fold(case.reference) == _fold(written)
    )


def _is_in(case: Case, words: str) -> bool:
    names = [case.case_id, *([case.reference] if case.reference else [])]
    return any(
        re.search(rf"(?<![\w-]){re.escape(_fold(name))}(?![\w-])", _fold(words))
        for name in names
        if len(name) >= SHORTEST
    )


SHORTEST = 4
"""Characters of a name that is looked for in words: a case `12` would be found everywhere."""


def _fold(written: str) -> str:
    return " ".join(written.casefold().split())


def _plan(
    about: KnownCase, item: CalendarItem, target: Target, by: str, now: datetime
) -> ImportRow:
    known = find_event(about, item.event_id)
    action = _compare(known, item, about)
    before = known.starts_at if known else ""
    row = ImportRow(item.place, about, item.event_id, action, before, item.starts_at, item.title)
    if action in (Action.SAME, Action.OLDER) or (action is Action.CANCELED and known is None):
        return row._replace(action=Action.SAME if known is None else action)
    if action is Action.CANCELED:
        return row._replace(change=_cancel(about, item.event_id, item.sequence, by, now))
    draft = EventDraft(
        item.title,
        item.starts_at,
        item.event_type or (known.event_type if known else None),
        item.time_zone,
        item.location,
        known.reminders if known else target.remind,
        item.sequence,
    )
    change = build_event(about, item.event_id, draft, by, now)
    (event,) = change.events
    return row._replace(change=event, doubts=change.warnings)


def _compare(known: CaseCalendarEvent | None, item: CalendarItem, about: KnownCase) -> Action:
    if known is None:
        return Action.CANCELED if item.canceled else Action.NEW
    if item.sequence < known.sequence:
        return Action.OLDER
    if item.canceled or known.canceled:
        if item.canceled:
            return Action.SAME if known.canceled else Action.CANCELED
        return Action.RESTORED
    when = (item.starts_at, item.time_zone or about.time_zone)
    if when != (known.starts_at, known.time_zone):
        return Action.MOVED
    said = (item.title, item.event_type or known.event_type, item.location)
    return (
        Action.SAME if said == (known.title, known.event_type, known.location) else Action.CHANGED
    )


def _find_gone(
    file: CalendarFile,
    rows: Sequence[ImportRow],
    cases: Iterable[KnownCase],
    by: str,
    now: datetime,
) -> Iterator[ImportRow]:
    """Instances that a series had and has no more; what is over stays as it was."""
    there = {(row.about.name, row.event_id) for row in rows}
    for about in cases:
        for event in about.case.events if about.case else ():
            series = _find_series(file, event)
            is_there = (about.name, event.event_id) in there
            if series is None or is_there or event.canceled or event.at <= now:
                continue
            yield ImportRow(
                "the series",
                about,
                event.event_id,
                Action.GONE,
                event.starts_at,
                "",
                event.title,
                _cancel(about, event.event_id, series.sequence, by, now),
            )


def _find_series(file: CalendarFile, event: CaseCalendarEvent) -> Series | None:
    """That it is an instance of; an older file cannot take it away."""
    named = (one for one in file.series if event.event_id.startswith(one.prefix))
    return next((one for one in named if event.sequence <= one.sequence), None)


def _cancel(about: KnownCase, event_id: str, sequence: int, by: str, now: datetime) -> Any:
    return build_change(EventCanceled, about, by, now, event_id=event_id, sequence=sequence)


def require_target(target: Target, *, names_cases: bool) -> None:
    """Raises InvalidRequest where nobody could know which case an event is for."""
    if target.case_id is not None and target.match:
        raise InvalidRequest("Say --case or --match, not both")
    if not names_cases and target.case_id is None and not target.match:
        raise InvalidRequest(
            "A calendar file names no cases",
            "say --case CASE, or --match to find each case by its id or reference in the event",
        )
