"""How an alert says what is at stake, and how urgent it is: the same words wherever it comes from.

Times are written as people write them at the recipient's place: `9:00`, `Tuesday`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from schemas.outcome import Urgency
from schemas.send_request import Kind

NAMES: Final = {
    Kind.REMINDER: "the reminder",
    Kind.ALERT: "the alert",
    Kind.FOLLOW_UP: "the follow-up",
}
WITHIN: Final = ((timedelta(hours=4), Urgency.NOW), (timedelta(hours=24), Urgency.SOON))
GRACE: Final = timedelta(days=1)
"""A text's validity ends before its event begins.  For this long after it, acting may still help.
"""

_LATEST: Final = datetime.max.replace(tzinfo=UTC) - GRACE

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


def passes_at(before: datetime | None, event_at: datetime | None) -> datetime | None:
    """From when it is too late to act.  None: at no known time."""
    return before if before is None or event_at else min(before, _LATEST) + GRACE


def urgency(before: datetime | None, event_at: datetime | None, now: datetime) -> Urgency:
    """By the time left until the event.  Without one, by the time left until the text is of no
    use."""
    if before is None:
        return Urgency.NORMAL
    left = before - now
    passes = passes_at(before, event_at)
    if passes is not None and passes <= now:
        return Urgency.PASSED
    return next((urgent for span, urgent in WITHIN if left <= span), Urgency.NORMAL)


def describe_call(urgent: Urgency) -> str:
    """What to do, behind what has happened."""
    passed = urgent is Urgency.PASSED
    return ", and its time has passed: ask them how it went" if passed else ": call them"


def name_kind(kind: str) -> str:
    return next((words for known, words in NAMES.items() if kind == known), "the text")


def describe_event(event_at: datetime, title: str | None, now: datetime, zone: tzinfo) -> str:
    """`for the 9:00 hearing on Tuesday`"""
    local = to_local(event_at, zone)
    what = title or "appointment"
    return f"for the {format_clock(local)} {what} on {format_day(local, to_local(now, zone))}"


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
