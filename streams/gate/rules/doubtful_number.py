from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def doubtful_number(case: Case) -> Finding | None:
    """A warning: texts did not reach it on several days, but any one of them may have been a phone that was off."""
    if not case.standing.doubtful:
        return None
    return Finding(
        rule="doubtful_number",
        verdict=Verdict.SEND,
        reason="Texts did not reach this number on several days",
        next_step="confirm the number with the client, and save a new one or say that this one is right",
    )
