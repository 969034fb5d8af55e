from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.reasons import EXPIRED


def expired(case: Case) -> Finding | None:
    end = case.request.valid_until
    if end is None or case.now < end:
        return None
    return EXPIRED.finding(Verdict.EXPIRE)
