from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.choice import against


def sender_changed(case: Case) -> Finding | None:
    """They would have kept the number that they know; somebody may wonder why another one texts them."""
    known = case.standing.sender
    if case.tenant is None or case.request.sender or case.sender == known or not known:
        return None
    why = against(known, case.request.tenant, case.senders)
    if why is None:
        return None
    return Finding(
        rule="sender_changed",
        verdict=Verdict.SEND,
        reason=f"{known}, which they know, {why}",
        next_step=f"nothing: it goes from {case.sender}",
    )
