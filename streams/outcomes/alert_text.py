"""Word an alert: what the text was about, what became of it, and how urgent it is.

Times are written as people write them at the recipient's place: `9:00`, `Tuesday`.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.outcome import Urgency
from schemas.send_request import Kind, SystemKind
from schemas.time_zones import is_place
from streams.alert_words import describe_call, describe_event, name_kind
from streams.lifecycle import State
from streams.outcomes.state import DecisionSummary, MessageState
from streams.processing import Settings

NOT_ALERTABLE: Final = frozenset({*SystemKind, Kind.MARKETING, Kind.TEST})
"""Nobody calls a recipient about an advertisement, and whoever sends a test looks at it."""

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


def is_alertable(decision: DecisionSummary) -> bool:
    """Whether somebody would act on it: the text belongs to an event, a case or a person."""
    about = decision.event_id or decision.event_at or decision.case_id or decision.person_id
    return bool(about) and decision.kind not in NOT_ALERTABLE


def describe(
    decision: DecisionSummary, state: State, urgent: Urgency, now: datetime, zone: tzinfo
) -> str:
    """`the reminder for the 9:00 hearing on Tuesday did not arrive: call them`"""
    return f"{name_text(decision, now, zone)} {HAPPENED[state]}{describe_call(urgent)}"


def name_text(decision: DecisionSummary, now: datetime, zone: tzinfo) -> str:
    return f"{name_kind(decision.kind)} {_subject(decision, now, zone)}"


def _subject(decision: DecisionSummary, now: datetime, zone: tzinfo) -> str:
    if decision.event_at is not None:
        return describe_event(decision.event_at, decision.event_title, now, zone)
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
