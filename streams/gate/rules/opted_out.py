from __future__ import annotations

from schemas.consent_status import ConsentState
from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def opted_out(case: Case) -> Finding | None:
    if case.standing.state is not ConsentState.OPTED_OUT:
        return None
    return Finding(
        rule="opted_out",
        verdict=Verdict.REJECT,
        reason="The recipient opted out",
        next_step="only they can come back, by texting START",
    )
