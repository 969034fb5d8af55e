"""From the wire to rows: only what is needed, cut so that a row stays small whatever was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.attempt import Attempt
from schemas.base import IDENTITY
from schemas.decision import Decision
from schemas.delivery_receipt import DeliveryReceipt
from streams.lifecycle import ATTEMPT, RECEIPT
from streams.outcomes.state import Judged, Report
from streams.processing import InputRecord

LONGEST: Final = 200
LONGEST_STEP: Final = 1000
LONGEST_NAME: Final = 80
"""Of an event's title or a zone's name."""
MOST_SEGMENTS: Final = 999
"""No text has so many, and what sixteen attempts come to must still be a number that can be written."""


def judged_of(decision: Decision) -> Judged:
    deciding = (
        found
        for found in decision.findings
        if found.verdict is decision.verdict and found.next_step
    )
    finding = next(deciding, None)
    return Judged(
        seq=decision.seq,
        decided_at=decision.decided_at,
        verdict=decision.verdict,
        branch=_cut(decision.branch),
        to=_cut(decision.to),
        sender=_cut(decision.sender),
        kind=decision.kind[:LONGEST],
        segments=max(0, min(decision.segments, MOST_SEGMENTS)),
        person_id=_cut(decision.person_id),
        request_id=decision.request_id,
        case_id=_cut(decision.case_id),
        event_id=_cut(decision.event_id),
        event_at=decision.event_at,
        event_title=_cut(decision.event_title, LONGEST_NAME),
        time_zone=_cut(decision.time_zone, LONGEST_NAME),
        valid_until=decision.valid_until,
        resend_of=_identity(decision.resend_of),
        requested_at=decision.requested_at,
        reason=_cut(finding.reason) if finding else None,
        next_step=finding.next_step[:LONGEST_STEP] if finding else None,
    )


def report_of(record: InputRecord, now: datetime) -> Report:
    """Nothing was said later than now, whatever the record claims."""
    said: Attempt | DeliveryReceipt = record.value
    if isinstance(said, Attempt):
        return Report(
            source=ATTEMPT,
            word=said.state,
            code=_cut(said.code),
            provider_id=_cut(said.provider_id),
            sender=_cut(said.sender),
            to=_cut(said.to),
            segments=_segments(said.segments),
            at=min(said.at, now),
            partition=record.partition,
            offset=record.offset,
        )
    return Report(
        source=RECEIPT,
        word=said.status.strip().lower()[:LONGEST],
        code=_cut(said.error_code),
        provider_id=_cut(said.provider_id),
        segments=_segments(said.raw.get("NumSegments")),
        at=min(said.received_at, now),
        partition=record.partition,
        offset=record.offset,
    )


def _segments(said: int | str | None) -> int | None:
    """As billed; what can be no count of one text's segments is none."""
    text = str(said or "")
    return int(text) if text.isdecimal() and len(text) <= 3 and int(text) else None


def _cut(text: str | None, longest: int = LONGEST) -> str | None:
    return text[:longest] if text else None


def _identity(text: str | None) -> str | None:
    """What could be a message's; nothing else can be named as one."""
    return text if text and IDENTITY.fullmatch(text) else None
