from __future__ import annotations

from typing import Final

from schemas.consent_status import ConsentState
from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.kinds import AFTER_OPT_OUT
from streams.reasons import OPTED_OUT

IN_OTHER_WORDS: Final = OPTED_OUT.but(
    "read what they wrote (sayso consent history): sayso consent out confirms it, sayso consent in with proof lifts it"
)
"""What was read between the lines is for a person to look at; a STOP is not."""


def opted_out(case: Case) -> Finding | None:
    """Of all the tenant's texts, or of one sender's."""
    if case.own and case.request.kind in AFTER_OPT_OUT:
        return None
    if case.standing.state is ConsentState.OPTED_OUT:
        return (IN_OTHER_WORDS if case.standing.flagged else OPTED_OUT).finding(Verdict.REJECT)
    if case.sender not in (case.standing.out or {}):
        return None
    return Finding(
        rule=OPTED_OUT.rule,
        verdict=Verdict.REJECT,
        reason=f"The recipient opted out of texts from {case.sender}",
        next_step="only they can come back, by texting START to it; or use another sender",
    )
