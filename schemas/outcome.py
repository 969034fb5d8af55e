"""What we hold true of a message, and what is at stake where it has failed."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Evidence, Message, MessageContext, Slug, UtcTime, Whole
from schemas.structs import struct


@struct
class Was(Message):
    """What the version before this one said: usage takes it off where it counted it."""

    state: str
    error_code: str | None = None
    segments: Whole = 0
    segments_predicted: Whole | None = None
    segments_billed: Whole | None = None


@struct
class Outcome(MessageContext):
    """What we now hold true of a message."""

    sender: str | None = None
    to: str | None = None
    requested_at: UtcTime
    state: str
    error_code: str | None = None
    error_title: str | None = None
    next_step: str | None = None
    segments: Whole = 0
    """What counts: `segments_billed` where the provider has given a count, else
    `segments_predicted`."""
    segments_predicted: Whole | None = None
    segments_billed: Whole | None = None
    contradictions: tuple[str, ...] = ()
    """Reports that cannot be true beside `state`, such as `failed 30008` beside a delivery."""
    final: bool
    """We expect no later record to change `state`."""
    test_mode: bool | None = None
    """See `SendRequest.test_mode`.  No count has it."""
    version: Whole
    """Counts from 1 per message."""
    was: Was | None = None
    at: UtcTime


class Urgency(StrEnum):
    """By the time that is left; `normal` also where nobody knows how much that is."""

    NOW = "now"
    SOON = "soon"
    NORMAL = "normal"
    PASSED = "passed"


class Alert(MessageContext):
    """What is at stake for a person, a case or an event, now that a text has not arrived.  The
    latest alert of a message, by `at`, holds."""

    to: str | None = None
    time_zone: str | None = None
    state: str
    error_code: str | None = None
    says: str
    """A whole sentence: what was at stake, what happened, what to do."""
    because: str | None = None
    """Why, in words."""
    next_step: str | None = None
    """How to keep it from failing again."""
    urgency: Urgency
    before: UtcTime | None = None
    """Until when acting helps."""
    open: bool = True
    """False: nobody need act any more, because it has arrived after all or was sent again."""
    closed_by: Slug | None = None
    """The text that was sent in its place."""
    version: Whole
    evidence: Evidence | None = None
    at: UtcTime
