from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def blocked_by_carrier(case: Case) -> Finding | None:
    """The carrier has said (Twilio 21610) that they texted STOP to this sender: it would refuse this one too."""
    if case.sender not in (case.standing.blocked or {}):
        return None
    return Finding(
        rule="blocked_by_carrier",
        verdict=Verdict.REJECT,
        reason=f"The carrier takes no texts from {case.sender} to this number",
        next_step=f"they can lift it by texting START to {case.sender}; or use another sender",
    )
