"""How a sender is doing: what waits, at what pace it goes, and what went wrong last."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, UtcTime, Whole
from schemas.send import Priority


class SenderState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    RESTING = "resting"
    """The provider said "too many": nothing leaves for some seconds."""
    UNKNOWN_SENDER = "unknown_sender"
    """No settings of it are known; its texts wait until they are."""


class LaneDepth(Message):
    lane: Priority
    messages: Whole
    segments: Whole


class SenderError(Message):
    """The provider's code, or our own word where it never answered."""

    code: str
    at: UtcTime


class SenderStatus(Message):
    """At most one a second, and only if something changed.  `queued`: what may leave, by lane, lanes without texts
    left out; `later`: texts that wait for a time of their own; `pace`: segments per second now."""

    sender: str
    state: SenderState
    paused_by: str | None = None
    pace: float | None = None
    queued: tuple[LaneDepth, ...] = ()
    later: Whole = 0
    drain_seconds: float | None = None
    """Until what is queued has left, at this pace; None where nothing leaves."""
    in_flight: Whole = 0
    in_doubt: Whole = 0
    last_error: SenderError | None = None
    oldest_queued: UtcTime | None = None
    at: UtcTime
