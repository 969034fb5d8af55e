from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.dialable import PROBLEMS


def invalid_number(case: Case) -> Finding | None:
    problem = case.standing.problem
    if not problem:
        return None
    reason, next_step = PROBLEMS[problem]
    return Finding(
        rule="invalid_number", verdict=Verdict.REJECT, reason=reason, next_step=next_step
    )
