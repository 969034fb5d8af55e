from __future__ import annotations

from schemas.consent_status import ConsentState
from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def not_opted_in(case: Case) -> Finding | None:
    """Nothing is known: the text waits for the recipient's yes."""
    if case.standing.state is not ConsentState.UNKNOWN:
        return None
    return Finding(
        rule="not_opted_in",
        verdict=Verdict.HOLD,
        reason="The recipient hasn't opted in yet",
        next_step="record their consent, or let them text START: it is sent as soon as they have",
    )
