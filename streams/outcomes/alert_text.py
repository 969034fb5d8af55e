"""Word an alert: what the text was about, what became of it, and how urgent it is.

Times are written as people write them at the recipient's place: `9:00`, `Tuesday`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.outcome import Urgency
from schemas.send_request import Kind, SystemKind
from schemas.time_zones import is_place
from streams.lifecycle import State
from streams.outcomes.state import DecisionSummary, MessageState
from streams.processing import Settings

NOT_ALERTABLE: Final = frozenset({*SystemKind, Kind.MARKETING, Kind.TEST})
"""Nobody calls a recipient about an advertisement, and whoever sends a test looks at it."""

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
GRACE: Final = timedelta(days=1)
"""A text's validity ends before its event begins.  For this long after it, acting may still help.
"""

WEEK: Final = timedelta(days=7)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def is_alertable(decision: DecisionSummary) -> bool:
    """Whether somebody would act on it: the text belongs to an event, a case or a person."""
    about = decision.event_id or decision.event_at or decision.case_id or decision.person_id
    return bool(about) and decision.kind not in NOT_ALERTABLE


def urgency(before: datetime | None, event_at: datetime | None, now: datetime) -> Urgency:
    """By the time left until the event.  Without one, by the time left until the text is of no
    use."""
    if before is None:
        return Urgency.NORMAL
    left = before - now
    if left <= (timedelta(0) if event_at else -GRACE):
        return Urgency.PASSED
    return next((urgent for span, urgent in WITHIN if left <= span), Urgency.NORMAL)


def describe(
    decision: DecisionSummary, state: State, urgent: Urgency, now: datetime, zone: tzinfo
) -> str:
    """`the reminder for the 9:00 hearing on Tuesday did not arrive: call them`"""
    what = f"{name_text(decision, now, zone)} {HAPPENED[state]}"
    if urgent is Urgency.PASSED:
        return f"{what}, and its time has passed: ask them how it went"
    return f"{what}: call them"


def name_text(decision: DecisionSummary, now: datetime, zone: tzinfo) -> str:
    name = next((words for kind, words in NAMES.items() if kind == decision.kind), "the text")
    return f"{name} {_subject(decision, now, zone)}"


def _subject(decision: DecisionSummary, now: datetime, zone: tzinfo) -> str:
    if decision.event_at is not None:
        local = to_local(decision.event_at, zone)
        what = decision.event_title or "appointment"
        return f"for the {format_clock(local)} {what} on {format_day(local, to_local(now, zone))}"
    if decision.event_title or decision.event_id:
        return f"for {decision.event_title or f'event {decision.event_id}'}"
    return f"in case {decision.case_id}" if decision.case_id else f"to person {decision.person_id}"


def zone_of(message: MessageState, decision: DecisionSummary, settings: Settings) -> tzinfo:
    """The recipient's zone if the request named it, else the tenant's."""
    tenant = settings.tenants.get(message.tenant)
    theirs = find_zone(decision.time_zone) if decision.time_zone else None
    return theirs or (tenant.zone if tenant else UTC)


@lru_cache(1000)
def find_zone(name: str) -> tzinfo | None:
    """None for what is no place: a producer may write anything."""
    return ZoneInfo(name) if is_place(name) else None


def to_local(moment: datetime, zone: tzinfo) -> datetime:
    """In UTC at the ends of the calendar, where there is no such local time."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.astimezone(UTC)


def format_clock(local: datetime) -> str:
    """`9:00`"""
    return f"{local.hour}:{local.minute:02}"


def format_day(local: datetime, today: datetime) -> str:
    """`Tuesday` if it is the next one, else `Tuesday 1 December`."""
    name = DAYS[local.weekday()]
    ahead = local.date() - today.date()
    if timedelta(0) <= ahead < WEEK:
        return name
    return f"{name} {local.day} {MONTHS[local.month - 1]}"
