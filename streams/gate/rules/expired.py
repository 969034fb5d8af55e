from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def expired(case: Case) -> Finding | None:
    end = case.request.valid_until
    if end is None or case.now < end:
        return None
    return Finding(
        rule="expired",
        verdict=Verdict.EXPIRE,
        reason="It is past the time it was meant for",
        next_step="ask again, with a later valid_until, if it is still wanted",
    )
