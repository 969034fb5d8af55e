"""Words that could never be sent, and what somebody may not have meant.

A field that there is not, a time that has passed and a reminder that nobody would get are cheap to
say now.  Found when the text is due, they are a missed hearing."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from schemas.blank_text import is_blank
from schemas.case import TextState
from schemas.case_event import TaskTime
from schemas.wall_time import parse_wall_time, write_alike
from services.ledger.cases import list_case_texts
from services.operations.cases import NEAR, KnownCase
from services.operations.errors import InvalidRequest
from streams.calendar.due_times import due_at
from streams.encoding.body import MAX_BODY
from streams.templates.checks import ProblemCode, Setting, check_template
from streams.templates.fields import ContextKind
from streams.templates.grammar import BrokenTemplate, parse_template

USUAL_FROM: Final = time(7)
USUAL_UNTIL: Final = time(19)
"""An event at another hour is asked about: a zone may be wrong."""
NAMED: Final = 5
"""People whom one sentence names."""
_ENGLISH: Final = "en"
_CLOSED: Final = "the case is closed: nothing goes from it"


def check_words(
    about: KnownCase, body: str, kind: ContextKind = ContextKind.CASE
) -> tuple[str, ...]:
    """Own words of a task.  What may be wrong with them; raises InvalidRequest for words that would
    not go out."""
    if is_blank(body):
        raise InvalidRequest("The text is empty", "write the text to send")
    if "{" not in body and len(body) > MAX_BODY:
        raise InvalidRequest(
            f"The text has {len(body):,} characters; {MAX_BODY:,} is the most", "shorten it"
        )
    settings = about.settings
    language = next(iter(settings.locales), _ENGLISH) if settings else _ENGLISH
    doubts = []
    for problem in check_template(body, language, Setting(kind, False, settings)):
        if problem.refuses and problem.code is not ProblemCode.STRAY_BRACE:
            raise InvalidRequest(f"The text cannot be sent: {problem.message}")
        doubts.append(problem.message)
    return tuple(doubts)


def kind_of(when: TaskTime) -> ContextKind:
    """What a task is about, and so which fields it may name."""
    if when.event_id is not None:
        return ContextKind.EVENT
    return ContextKind.CASE if when.date_name is None else ContextKind.DATE


def doubt_template(about: KnownCase, name: str, kind: ContextKind) -> Iterator[str]:
    """A template that tells of an event or a date needs one."""
    template = about.settings.templates.get(name) if about.settings else None
    named: set[str] = set()
    for text in template.texts.values() if template else ():
        try:
            named |= parse_template(text).names
        except BrokenTemplate:
            return  # `tenants apply` says so
    for root, option in ((ContextKind.EVENT, "--event"), (ContextKind.DATE, "--date")):
        field = min((one for one in named if one.startswith(f"{root}.")), default=None)
        if kind is not root and field is not None:
            yield f"the template {name!r} says {field}, so it needs {option} and an offset"


def doubt_time(what: str, written: str, time_zone: str, now: datetime) -> Iterator[str]:
    """What may be wrong with a time that can be read."""
    zone = ZoneInfo(time_zone)
    day, clock, instant = parse_wall_time(written)
    there = (
        instant.astimezone(zone) if instant else datetime.combine(day, clock or time(23, 59), zone)
    )
    if there < now:
        yield f"{what} is in the past: {there:%Y-%m-%d %H:%M} in {time_zone}"
    if clock is not None and not USUAL_FROM <= there.time() <= USUAL_UNTIL:
        yield f"{what} is at {there:%H:%M} in {time_zone}, really outside 07:00-19:00?"


def doubt_closed(about: KnownCase) -> Iterator[str]:
    if about.case is not None and about.case.closed:
        yield _CLOSED


def doubt_reminders(
    about: KnownCase, event_type: str | None, reminders: Iterable[str]
) -> Iterator[str]:
    """An event of a misspelt type has no recipe, and so nobody hears of it."""
    if about.settings is None:
        return
    recipes = about.settings.recipes.values()
    types = [one.event_type.casefold() for one in recipes if one.event_type]
    if event_type and event_type.casefold() in types:
        return
    hint = _hint(event_type, types)
    if event_type and (hint or not reminders):
        yield f"no recipe of {about.tenant} is for events of the type {event_type!r}{hint}"
    elif not reminders:
        yield "nothing reminds of it: say --type or --remind"


def is_reminded(about: KnownCase, event_type: str | None, reminders: Collection[str]) -> bool:
    """Whether anybody would hear of such an event."""
    recipes = about.settings.recipes.values() if about.settings else ()
    types = {one.event_type.casefold() for one in recipes if one.event_type}
    return bool(reminders) or (event_type or "").casefold() in types


def doubt_due_reminders(
    about: KnownCase,
    event_id: str,
    starts_at: str,
    time_zone: str,
    reminders: Iterable[str],
    now: datetime,
) -> Iterator[str]:
    """Of an event that is still to come: those whose time has passed go now.  What was said of the
    event before is not said again."""
    if due_at(starts_at, time_zone, "0 minutes before") <= now or list(doubt_closed(about)):
        return
    known = next(
        (e for e in (about.case.events if about.case else ()) if e.event_id == event_id), None
    )
    same = known is not None and (known.starts_at, known.time_zone) == (starts_at, time_zone)
    said = known.reminders if known is not None and same else ()
    for offset in reminders:
        due = due_at(starts_at, time_zone, offset)
        if due < now and offset not in said:
            there = due.astimezone(ZoneInfo(time_zone))
            yield f"its reminder {offset!r} was due on {there:%Y-%m-%d at %H:%M}: it goes at once"


def doubt_other_place(
    about: KnownCase, event_id: str, starts_at: str, place: str | None
) -> Iterator[str]:
    """Nobody is reminded again because of another place: who was told the old one is named."""
    known = next(
        (e for e in (about.case.events if about.case else ()) if e.event_id == event_id), None
    )
    if known is None or known.location == place or known.starts_at != write_alike(starts_at):
        return
    names = {party.person_id: party.name or party.person_id for party in about.parties}
    told = {
        text.person_id
        for text in list_case_texts(about.ledger, about.tenant, about.case_id)
        if (text.event_id, text.event_starts_at) == (event_id, known.starts_at)
        and text.state in (TextState.SENT, TextState.ARRIVED)
    }
    if shown := sorted(names[one] for one in told if one in names):
        more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
        yield (
            f"reminded before the place changed: {', '.join(shown[:NAMED])}{more};"
            f" send them a correction (sayso text {about.case_id} PERSON)"
        )


def doubt_date(about: KnownCase, name: str, day: date | None, now: datetime) -> Iterator[str]:
    """A named date that is over, or that nothing counts from."""
    yield from doubt_closed(about)
    if day is None:
        return
    if day < now.astimezone(about.zone).date():
        yield f"{name!r} is in the past: {day}"
    recipes = about.settings.recipes.values() if about.settings else ()
    tasks = about.case.tasks if about.case else ()
    used = [one.date_name for one in recipes if one.date_name]
    used += [one.when.date_name for one in tasks if one.when.date_name]
    if about.settings is not None and about.case is not None and name not in used:
        yield f"no recipe and no task counts from {name!r} yet{_hint(name, used)}"


def doubt_date_name(about: KnownCase, name: str | None) -> Iterator[str]:
    """A task may be added before its date is known."""
    dates = list(about.case.dates) if about.case else []
    if name is not None and about.case is not None and name not in dates:
        yield f"the case has no date {name!r} yet{_hint(name, dates)}"


def _hint(wanted: str | None, known: Iterable[str]) -> str:
    near = difflib.get_close_matches((wanted or "").casefold(), list(dict.fromkeys(known)), 1, NEAR)
    return f": did you mean {near[0]!r}?" if near else ""
