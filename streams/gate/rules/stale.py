from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.limits import STALE_AFTER


def stale(case: Case) -> Finding | None:
    """Old when it came.  What was held since is not stale: it has a limit of its own."""
    if case.received - case.request.requested_at <= STALE_AFTER:
        return None
    return Finding(
        rule="stale",
        verdict=Verdict.REJECT,
        reason=f"It was requested more than {STALE_AFTER.days} days before it came here",
        next_step="ask again if it is still wanted, under a new message id",
    )
