"""From the wire to rows: only what is needed, cut so that a row stays small whatever was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.attempt import Attempt
from schemas.decision import Decision
from schemas.delivery_receipt import DeliveryReceipt
from streams.lifecycle import ATTEMPT, RECEIPT
from streams.outcomes.rows import Judged, Report

LONGEST: Final = 200
LONGEST_STEP: Final = 1000


def judged_of(decision: Decision) -> Judged:
    """`next_step` is that of the finding that decided."""
    deciding = (found for found in decision.findings if found.verdict is decision.verdict and found.next_step)
    finding = next(deciding, None)
    return Judged(
        seq=decision.seq,
        decided_at=decision.decided_at,
        verdict=decision.verdict,
        branch=_cut(decision.branch),
        to=_cut(decision.to),
        sender=_cut(decision.sender),
        kind=decision.kind[:LONGEST],
        segments=decision.segments,
        person_id=_cut(decision.person_id),
        request_id=decision.request_id,
        case_id=_cut(decision.case_id),
        event_id=_cut(decision.event_id),
        requested_at=decision.requested_at,
        next_step=finding.next_step[:LONGEST_STEP] if finding else None,
    )


def report_of(fact: Attempt | DeliveryReceipt, now: datetime) -> Report:
    """Nothing was said later than now, whatever the record claims."""
    if isinstance(fact, Attempt):
        return Report(
            source=ATTEMPT,
            word=fact.state,
            code=_cut(fact.code),
            provider_id=_cut(fact.provider_id),
            sender=_cut(fact.sender),
            to=_cut(fact.to),
            at=min(fact.at, now),
        )
    return Report(
        source=RECEIPT,
        word=fact.status.strip().lower()[:LONGEST],
        code=_cut(fact.error_code),
        provider_id=_cut(fact.provider_id),
        at=min(fact.received_at, now),
    )


def _cut(text: str | None) -> str | None:
    return text[:LONGEST] if text else None
