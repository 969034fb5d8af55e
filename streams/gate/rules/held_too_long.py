from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.holding import waits_until
from streams.reasons import HELD_TOO_LONG


def held_too_long(case: Case) -> Finding | None:
    if case.now < waits_until(case.received, case.request.not_before, None):
        return None
    return HELD_TOO_LONG.finding(Verdict.EXPIRE)
