"""What we now hold true of a message."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime, Whole
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
class Outcome(Message):
    """`version` counts from 1 per message.  `final` means that no later fact is expected to change `state`.

    `segments` is what counts: `segments_billed` where the provider has said it, else `segments_predicted`.
    `contradictions`: reports of the attempt that matters which its end cannot be true beside, as `failed 30008`."""

    message_id: Slug
    tenant: Slug
    branch: str | None = None
    sender: str | None = None
    to: str | None = None
    kind: str
    person_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    event_at: UtcTime | None = None
    event_title: str | None = None
    requested_at: UtcTime
    state: str
    error_code: str | None = None
    error_title: str | None = None
    next_step: str | None = None
    segments: Whole = 0
    segments_predicted: Whole | None = None
    segments_billed: Whole | None = None
    contradictions: tuple[str, ...] = ()
    final: bool
    version: Whole
    was: Was | None = None
    at: UtcTime
