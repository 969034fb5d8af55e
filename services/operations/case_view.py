"""A case as staff see it: who can be texted and why not, what is ahead, what was sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.case import Case, CaseText, Party, Readiness, TextState
from schemas.consent import ConsentState, ConsentStatus
from schemas.numbers import e164
from schemas.person import Person
from services.ledger import Ledger
from services.ledger.cases import list_case_texts, list_people, list_statuses
from streams.reasons import NO_NUMBER, NOT_OPTED_IN, NOT_SMS_ENABLED, OPTED_OUT, READY

SOON: Final = 6
"""Days for which a weekday's name is enough."""
NAMED: Final = 3
"""Who is named in one line, at most; the others are counted."""
REASONS: Final = {
    Readiness.NO_NUMBER: NO_NUMBER.reason,
    Readiness.NOT_SMS_ENABLED: NOT_SMS_ENABLED.reason,
    Readiness.NOT_OPTED_IN: NOT_OPTED_IN.reason,
    Readiness.OPTED_OUT: OPTED_OUT.reason,
    Readiness.READY: READY.reason,
}
_CONSENT: Final = {
    ConsentState.OPTED_IN: Readiness.READY,
    ConsentState.OPTED_OUT: Readiness.OPTED_OUT,
}


class PartyView(NamedTuple):
    """A party, and whether they can be texted now."""

    party: Party
    person: Person | None
    readiness: Readiness
    asked_at: datetime | None
    ask_again_at: datetime | None

    @property
    def first_name(self) -> str:
        known = self.person.first_name if self.person else None
        return known or self.party.name or self.party.person_id

    @property
    def reason(self) -> str:
        return REASONS[self.readiness]


class Ahead(NamedTuple):
    """Something that will be sent, unless the case changes."""

    due_at: datetime
    what: str
    """A reminder of an event, or a task, in words."""
    person_ids: tuple[str, ...]
    event_id: str | None = None
    task_id: str | None = None
    recipe: str | None = None


class CaseView(NamedTuple):
    case: Case
    parties: tuple[PartyView, ...]
    ahead: tuple[Ahead, ...]
    """The earliest first."""
    texts: tuple[CaseText, ...]
    """What was done already."""


def view_case(ledger: Ledger, case: Case, ahead: Iterable[Ahead]) -> CaseView:
    return CaseView(
        case,
        view_parties(ledger, case),
        tuple(sorted(ahead, key=lambda one: (one.due_at, one.what))),
        list_case_texts(ledger, case.tenant, case.case_id),
    )


def view_parties(ledger: Ledger, case: Case) -> tuple[PartyView, ...]:
    people = list_people(ledger, case.tenant, {party.person_id for party in case.parties})
    numbers = {e164(party.number) for party in case.parties if party.number}
    statuses = list_statuses(ledger, case.tenant, numbers)
    return tuple(view_party(party, people, statuses) for party in case.parties)


def view_party(
    party: Party, people: Mapping[str, Person], statuses: Mapping[str, ConsentStatus]
) -> PartyView:
    status = statuses.get(e164(party.number)) if party.number else None
    return PartyView(
        party,
        people.get(party.person_id),
        find_readiness(party, status),
        status.asked_at if status else None,
        status.ask_again_at if status else None,
    )


def find_readiness(party: Party, status: ConsentStatus | None) -> Readiness:
    """The first thing that is in the way."""
    if party.reason in (Readiness.NO_NUMBER, Readiness.NOT_SMS_ENABLED):
        return Readiness(party.reason)
    if party.number is None:
        return Readiness.NO_NUMBER
    if status is None:
        return Readiness.NOT_OPTED_IN
    return _CONSENT.get(status.state, Readiness.NOT_OPTED_IN)


# The line on top: what happens next, to whom not, and what to do about it.


def promise(view: CaseView, now: datetime) -> str:
    """`Next: Maria hears of Tuesday's hearing on Mon 9:00. Luis will not: ...`"""
    case = view.case
    if case.closed:
        return "Next: nothing. The case is closed."
    upcoming = [one for one in view.ahead if one.due_at >= now]
    if not view.parties:
        return "Next: nothing, as nobody is in the case yet: sayso case party add."
    if not upcoming:
        late = [text for text in view.texts if text.state == TextState.TOO_LATE]
        call = f" {len(late)} text(s) came too late: see sayso alerts." if late else ""
        launch = " Its tasks go when it is launched." if case.launched_at is None else ""
        return " ".join((f"Next: nothing is ahead.{launch}{call}", *_say_held(view, now)))
    first = upcoming[0]
    together = [one for one in upcoming if (one.due_at, one.what) == (first.due_at, first.what)]
    wanted = {name for one in together for name in one.person_ids}
    parties = [party for party in view.parties if party.party.person_id in wanted]
    ready = [party for party in parties if party.readiness is Readiness.READY]
    zone = ZoneInfo(case.time_zone)
    at = _say_when(first.due_at, now, zone)
    hears = join_names([party.first_name for party in ready]) or "Nobody"
    verb = "hear" if ready[1:] else "hears"
    says = f"{hears} {verb} of {first.what} {at}."
    if not parties:
        says = f"{first.what} is due {at}, and nobody in the case is meant."
    unready = [party for party in parties if party.readiness is not Readiness.READY]
    others = [
        f"{party.first_name} will not: {describe_unready(party, now, zone)}."
        for party in unready[:NAMED]
    ]
    if unready[NAMED:]:
        others.append(f"Nor will {len(unready) - NAMED:,} more.")
    return " ".join((f"Next: {says}", *others, *_say_held(view, now, wanted)))


def _say_held(view: CaseView, now: datetime, said: Collection[str] = ()) -> list[str]:
    """What was asked for, and waits because somebody cannot be texted."""
    zone = ZoneInfo(view.case.time_zone)
    waits = {text.person_id for text in view.texts if text.state == TextState.REQUESTED}
    held = [
        party
        for party in view.parties
        if party.party.person_id in waits
        and party.readiness is not Readiness.READY
        and party.party.person_id not in said
    ]
    words = [
        f"A text waits for {party.first_name}: {describe_unready(party, now, zone)}."
        for party in held[:NAMED]
    ]
    return words + ([f"So it does for {len(held) - NAMED:,} more."] if held[NAMED:] else [])


def describe_unready(party: PartyView, now: datetime, zone: ZoneInfo) -> str:
    """Why they will hear nothing, and what to do."""
    match party.readiness:
        case Readiness.NO_NUMBER:
            return "no number is on file; call them, or add one"
        case Readiness.NOT_SMS_ENABLED:
            return "their number is off for texts; call them, or turn it on"
        case Readiness.OPTED_OUT:
            return "they opted out; call them"
    if party.asked_at is None:
        return "they have not been asked yet; ask them, or record their consent"
    asked = f"they were asked {format_soon(party.asked_at, now, zone)} and have not answered"
    if party.ask_again_at is not None and party.ask_again_at > now:
        return f"{asked}; call, or ask again from {format_soon(party.ask_again_at, now, zone)}"
    return f"{asked}; call, or ask again"


def format_soon(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`Mon 9:00` in the days around now, else `2026-12-14 9:00`: by the case's clocks."""
    there = at.astimezone(zone)
    clock = f"{there.hour}:{there:%M}"
    days = (there.date() - now.astimezone(zone).date()).days
    if days == 0:
        return f"today {clock}"
    if days == -1:
        return f"yesterday {clock}"
    if 0 < days <= SOON:
        return f"{there:%a} {clock}"
    return f"{there:%Y-%m-%d} {clock}"


def _say_when(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    when = format_soon(at, now, zone)
    return when if when.startswith(("today", "yesterday")) else f"on {when}"


def join_names(names: list[str]) -> str:
    if len(names) > NAMED + 1:
        names = [*names[:NAMED], f"{len(names) - NAMED:,} more"]
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + (names[-1] if names else "")


def name_event(title: str, at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`Tuesday's hearing`, or `the hearing of 2026-12-14`."""
    there = at.astimezone(zone).date()
    days = (there - now.astimezone(zone).date()).days
    if days == 0:
        return f"today's {title}"
    if 0 < days <= SOON:
        return f"{there:%A}'s {title}"
    return f"the {title} of {there.isoformat()}"
