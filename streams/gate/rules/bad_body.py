from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.body_limits import why_unsendable
from streams.gate.case import Case


def bad_body(case: Case) -> Finding | None:
    problem = why_unsendable(case.request.body)
    return problem.finding(Verdict.REJECT) if problem else None
