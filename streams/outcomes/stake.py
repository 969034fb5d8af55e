"""What hangs on a text, in words, and how long there is to do something about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from schemas.alert import Urgency
from schemas.send_request import Kind
from schemas.system_kind import SystemKind
from streams.lifecycle import State
from streams.outcomes.local import clock, day, in_zone, zone_named
from streams.outcomes.state import Judged, Life
from streams.processing import Settings

NOTHING_AT_STAKE: Final = frozenset({*SystemKind, Kind.MARKETING, Kind.TEST})
"""Nobody is called for an advertisement, and who sends a test looks at it."""

NAMES: Final = {
    Kind.REMINDER: "the reminder",
    Kind.ALERT: "the alert",
    Kind.FOLLOW_UP: "the follow-up",
}
HAPPENED: Final = {
    State.REJECTED: "was not sent",
    State.EXPIRED: "was not sent in time",
    State.CANCELED: "was not sent",
    State.REFUSED: "was not sent",
    State.FAILED: "did not arrive",
    State.UNDELIVERED: "did not arrive",
    State.IN_DOUBT: "may not have arrived",
    State.UNKNOWN: "may not have arrived",
}
"""States in which a text has failed its recipient, or may have."""

WITHIN: Final = ((timedelta(hours=4), Urgency.NOW), (timedelta(hours=24), Urgency.SOON))
STILL: Final = timedelta(days=1)
"""A text's validity ends before what it is about begins: for so long after it, acting may still help."""


def urgency(before: datetime | None, event_at: datetime | None, now: datetime) -> Urgency:
    """By the time left until the event, or where nobody has told when that is, until the text is of no use."""
    if before is None:
        return Urgency.NORMAL
    left = before - now
    if left <= (timedelta(0) if event_at else -STILL):
        return Urgency.PASSED
    return next((urgent for span, urgent in WITHIN if left <= span), Urgency.NORMAL)


def at_stake(judged: Judged) -> bool:
    tied = judged.event_id or judged.event_at or judged.case_id or judged.person_id
    return bool(tied) and judged.kind not in NOTHING_AT_STAKE


def says(judged: Judged, state: State, urgent: Urgency, now: datetime, zone: tzinfo) -> str:
    """`the reminder for the 9:00 hearing on Tuesday did not arrive: call them`"""
    what = f"{named(judged, now, zone)} {HAPPENED[state]}"
    passed = urgent is Urgency.PASSED
    return (
        f"{what}, and its time has passed: ask them how it went" if passed else f"{what}: call them"
    )


def named(judged: Judged, now: datetime, zone: tzinfo) -> str:
    name = next((words for kind, words in NAMES.items() if kind == judged.kind), "the text")
    return f"{name} {_about(judged, now, zone)}"


def _about(judged: Judged, now: datetime, zone: tzinfo) -> str:
    if judged.event_at is not None:
        local = in_zone(judged.event_at, zone)
        what = judged.event_title or "appointment"
        return f"for the {clock(local)} {what} on {day(local, in_zone(now, zone))}"
    if judged.event_title or judged.event_id:
        return f"for {judged.event_title or f'event {judged.event_id}'}"
    return f"in case {judged.case_id}" if judged.case_id else f"to person {judged.person_id}"


def zone_of(life: Life, judged: Judged, settings: Settings) -> tzinfo:
    """The recipient's, where it is told, else the tenant's."""
    tenant = settings.tenants.get(life.tenant)
    theirs = zone_named(judged.time_zone) if judged.time_zone else None
    return theirs or (tenant.zone if tenant else UTC)
