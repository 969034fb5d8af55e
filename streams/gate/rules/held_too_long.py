from __future__ import annotations

from datetime import datetime

from schemas.decision import Finding, Verdict
from schemas.send_request import SendRequest
from streams.gate.case import Case
from streams.gate.limits import HOLD_LIMIT


def held_too_long(case: Case) -> Finding | None:
    if case.now - waits_since(case.request, case.received) < HOLD_LIMIT:
        return None
    return Finding(
        rule="held_too_long",
        verdict=Verdict.EXPIRE,
        reason=f"It has waited for {HOLD_LIMIT.days} days",
        next_step="ask again if it is still wanted",
    )


def waits_since(request: SendRequest, received: datetime) -> datetime:
    """A text scheduled for later is only late from then on."""
    return received if request.not_before is None else max(received, request.not_before)
