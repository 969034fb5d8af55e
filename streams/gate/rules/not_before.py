from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def not_before(case: Case) -> Finding | None:
    start = case.request.not_before
    if start is None or case.now >= start:
        return None
    return Finding(
        rule="not_before",
        verdict=Verdict.HOLD,
        reason="It is scheduled for later",
        next_step="wait: it goes by itself",
        until=start,
    )
