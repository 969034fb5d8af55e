from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.limits import AHEAD_AT_MOST


def requested_in_future(case: Case) -> Finding | None:
    if case.request.requested_at - case.received <= AHEAD_AT_MOST:
        return None
    return Finding(
        rule="requested_in_future",
        verdict=Verdict.REJECT,
        reason="It says it was requested more than a day from now",
        next_step="correct the producer's clock; to send later, use not_before",
    )
