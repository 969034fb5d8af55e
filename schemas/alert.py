"""What is at stake, now that a text has not arrived."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Evidence, Message, Slug, UtcTime, Whole


class Urgency(StrEnum):
    """By the time that is left.  `normal` also where nobody knows how much that is."""

    NOW = "now"
    SOON = "soon"
    NORMAL = "normal"
    PASSED = "passed"


class Alert(Message):
    """About one message, the latest by `at` holds; `says` is whole: what was at stake, what happened, what to do.

    `because`: why, in words; `next_step`: how to keep it from failing again.  `before`: until when acting helps.
    `open` false: nobody need act any more, for it has arrived after all, or another text (`closed_by`) has taken its
    place."""

    message_id: Slug
    tenant: Slug
    branch: str | None = None
    to: str | None = None
    kind: str
    person_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    event_at: UtcTime | None = None
    event_title: str | None = None
    time_zone: str | None = None
    state: str
    error_code: str | None = None
    says: str
    because: str | None = None
    next_step: str | None = None
    urgency: Urgency
    before: UtcTime | None = None
    open: bool = True
    closed_by: Slug | None = None
    version: Whole
    evidence: Evidence | None = None
    at: UtcTime
