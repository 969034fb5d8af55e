"""What is known of one message: what the gate decided, and what was reported of each attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.decision import Verdict
from streams.processing import StateEntry

LIFE: Final = "life"


class Judged(StateEntry):
    """The decision that holds; its words cut so that a row stays small.  `reason` and `next_step` are those of the
    finding that decided."""

    seq: int
    decided_at: datetime
    verdict: Verdict
    branch: str | None = None
    to: str | None = None
    sender: str | None = None
    kind: str
    segments: int
    person_id: str | None = None
    request_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    event_at: datetime | None = None
    event_title: str | None = None
    time_zone: str | None = None
    valid_until: datetime | None = None
    resend_of: str | None = None
    requested_at: datetime
    reason: str | None = None
    next_step: str | None = None


class Report(StateEntry):
    """One thing that was said of an attempt, once: `at` is when it was said first, `partition` and `offset` where that
    record stands on its source's topic."""

    source: str
    word: str
    code: str | None = None
    provider_id: str | None = None
    sender: str | None = None
    to: str | None = None
    segments: int | None = None
    at: datetime
    partition: int | None = None
    offset: int | None = None


class Told(StateEntry):
    """What the last outcome said; another one follows only if something of it changes."""

    state: str
    error_code: str | None = None
    segments: int
    segments_predicted: int | None = None
    segments_billed: int | None = None
    contradictions: tuple[str, ...] = ()
    sender: str | None = None
    next_step: str | None = None


class Life(StateEntry):
    """`to` and `fingerprint` are those of the first decision: another text under its id does not belong here.
    `odd`: statuses that the table does not know, and those of another account, kept as evidence."""

    tenant: str
    message_id: str
    judged: Judged | None = None
    to: str | None = None
    fingerprint: str = ""
    attempts: dict[int, tuple[Report, ...]] = {}
    odd: tuple[str, ...] = ()
    told: Told | None = None
    version: int = 0
