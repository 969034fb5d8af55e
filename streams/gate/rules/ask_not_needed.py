from __future__ import annotations

from schemas.consent_status import ConsentState
from schemas.decision import Finding, Verdict
from schemas.system_kind import SystemKind
from streams.gate.case import Case


def ask_not_needed(case: Case) -> Finding | None:
    """They have said yes while the opt-in request waited."""
    if (
        not case.own
        or case.request.kind != SystemKind.CONSENT_ASK
        or case.standing.state is not ConsentState.OPTED_IN
    ):
        return None
    return Finding(
        rule="ask_not_needed",
        verdict=Verdict.CANCEL,
        reason="The recipient has opted in: there is nothing to ask",
        next_step="nothing: what waited for their yes goes by itself",
    )
