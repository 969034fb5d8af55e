from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def consent_unreadable(case: Case) -> Finding | None:
    """A record about this number's consent could not be read: it may have been a STOP."""
    if not case.standing.unreadable_ms:
        return None
    return Finding(
        rule="consent_unreadable",
        verdict=Verdict.HOLD,
        reason="A record about this recipient's consent could not be read",
        next_step="look at it among the dead letters; if it was a STOP, sayso consent out, else sayso consent resolve",
    )
