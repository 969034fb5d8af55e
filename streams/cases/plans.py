"""When one text leaves that is due to one person, or why it never does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from schemas.case import TextState
from schemas.recipe import IfLate
from streams.calendar.instants import end_of_use
from streams.cases.anchors import FORGET_AFTER, Use, find_uses, time_of
from streams.cases.draft import Draft
from streams.cases.reasons import LATE, SUPERSEDED, SWITCHED_OFF, TOO_LATE
from streams.cases.state import PartyEntry, PersonEntry
from streams.cases.task_times import JOINS_WITHIN
from streams.local_time.departures import Departure, Windows, plan_departure, windows_for
from streams.reasons import Reason

NO_END: Final = datetime.max.replace(tzinfo=UTC)
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Plan(NamedTuple):
    """Either it leaves at some time, or it ends in a state and for a reason."""

    departure: Departure | None = None
    state: TextState | None = None
    reason: Reason | None = None


def is_due_to(use: Use, person_id: str, party: PartyEntry) -> bool:
    if not party.present or not use.audience.includes(person_id, party):
        return False
    return party.reminders or not use.is_automatic


def find_windows(draft: Draft, use: Use, person: PersonEntry, number: str | None) -> Windows:
    """Of somebody without a number and a place nobody knows the hours: it waits with people, and
    the gate looks at the hours once there is a number."""
    if not (number or person.time_zone or person.postal_region):
        return Windows((), None)
    return windows_for(number or "", person.time_zone, person.postal_region, draft.tenant, use.kind)


def plan_again(draft: Draft, use: Use, windows: Windows) -> Plan:
    """Of a text that was taken back, or could not be rendered: it goes if it is still of use."""
    latest = use.latest or NO_END
    departure = plan_departure(use.due, latest, windows, draft.now)
    return Plan(departure) if departure else Plan(None, TextState.TOO_LATE, TOO_LATE)


def plan_new(
    draft: Draft, use: Use, person_id: str, party: PartyEntry, windows: Windows
) -> Plan | None:
    """Of a text of which nothing has happened yet.  None: nobody ever expected it."""
    known = _known_at(use, person_id, party)
    if draft.now >= use.ends_at + FORGET_AFTER:
        return None
    if draft.now >= use.ends_at and _came_after(draft, use):
        return None
    if known >= _end_of(use) or (use.is_automatic and use.known_at >= _end_of(use)):
        return None
    if use.known_at >= _end_of(use):
        return Plan(None, TextState.SKIPPED, LATE)
    if use.due <= draft.now:
        skipped = _why_skipped(draft, use, person_id, party, known)
        if skipped is not None:
            return Plan(None, TextState.SKIPPED, skipped)
    plan = plan_again(draft, use, windows)
    if plan.departure is None and _came_after(draft, use):
        return None
    leaves = plan.departure is not None and plan.departure.at <= draft.now
    if leaves and has_successor(draft, use, person_id, party, draft.now):
        return Plan(None, TextState.SKIPPED, SUPERSEDED)
    return plan


def _known_at(use: Use, person_id: str, party: PartyEntry) -> datetime:
    """When they became one of those to whom such a text is due."""
    times = [party.presence.at] if party.presence is not None else []
    if party.role_written is not None and person_id not in use.audience.person_ids:
        times.append(party.role_written.at)
    return max(times, default=use.known_at)


def _end_of(use: Use) -> datetime:
    """Known from then on, it is no text that came too late: it was never to come."""
    if use.latest is None or use.occasion is None:
        return use.due + JOINS_WITHIN if use.latest is None else NO_END
    return max(use.latest, end_of_use(use.occasion.starts_at, use.occasion.zone))


def _why_skipped(
    draft: Draft, use: Use, person_id: str, party: PartyEntry, known: datetime
) -> Reason | None:
    if use.due < _resumed_at(draft, use, party):
        return SWITCHED_OFF
    if not use.is_automatic:
        return None
    if use.if_late is IfLate.SKIP and _is_late(draft, use, known):
        return LATE
    return SUPERSEDED if _is_superseded(draft, use, person_id, party, draft.now) else None


def _resumed_at(draft: Draft, use: Use, party: PartyEntry) -> datetime:
    """What was due before was due to nobody: the case was closed, or the switch was off."""
    times = [draft.case.reopened_at, party.resumed_at if use.is_automatic else None]
    return max((one for one in times if one is not None), default=LONG_AGO)


def _is_late(draft: Draft, use: Use, known: datetime) -> bool:
    """Whether its time had passed when it became known; by downtime alone, none is late.

    `known`: when they became one of those to whom it is due.  An event that is saved again as it
    was, such as by a nightly import, was known before."""
    entry = draft.anchor(use.anchor)
    was_ahead = entry is not None and use.token in entry.progress.armed
    is_late = use.known_at > use.due and not was_ahead
    return known > use.due or is_late or _came_after(draft, use)


def _came_after(draft: Draft, use: Use) -> bool:
    """A recipe came, or got another offset, when its time had passed; the event is older."""
    if not use.is_automatic:
        return False
    entry = draft.anchor(use.anchor)
    if entry is None or entry.progress.seen_time != time_of(draft, entry):
        return False
    seen = entry.progress.first_seen
    return seen is not None and seen <= use.due and use.token not in entry.progress.armed


def has_successor(draft: Draft, use: Use, person_id: str, party: PartyEntry, at: datetime) -> bool:
    """Of several that leave `at` that time with the same words, the last one due goes.

    Three days and 72 hours before are one moment, but where clocks change in between.  Of two of
    one moment the last by name goes.  It is looked at when it leaves: the other may change until
    then."""
    known = _known_at(use, person_id, party)
    return _is_superseded(draft, use, person_id, party, at) or any(
        use.is_automatic
        and use.due == other.due
        and (use.recipe or "") < (other.recipe or "")
        and (other.latest is None or other.latest > at)
        and _goes_as_well(draft, use, other, person_id, party, known)
        for other in find_uses(draft, use.anchor)
    )


def _is_superseded(draft: Draft, use: Use, person_id: str, party: PartyEntry, at: datetime) -> bool:
    known = _known_at(use, person_id, party)
    return use.is_automatic and any(
        use.due < other.due <= at and _goes_as_well(draft, use, other, person_id, party, known)
        for other in find_uses(draft, use.anchor)
    )


def _goes_as_well(
    draft: Draft, use: Use, other: Use, person_id: str, party: PartyEntry, known: datetime
) -> bool:
    """With the same words, to the same person."""
    return (
        (other.template, other.kind) == (use.template, use.kind)
        and is_due_to(other, person_id, party)
        and not (other.if_late is IfLate.SKIP and _is_late(draft, other, known))
    )
