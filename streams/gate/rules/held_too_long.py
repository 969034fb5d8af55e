from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.hold_limits import hold_deadline
from streams.reasons import HELD_TOO_LONG


def held_too_long(case: Case) -> Finding | None:
    if case.now < hold_deadline(case.received, case.request.not_before, None):
        return None
    return HELD_TOO_LONG.finding(Verdict.EXPIRE)
