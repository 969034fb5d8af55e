from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.case import Case

CANNOT_RECEIVE: Final = frozenset({"landline", "pager", "premium", "sharedCost", "tollFree", "voicemail"})
"""Line types as Twilio Lookup names them."""


def not_sms_enabled(case: Case) -> Finding | None:
    """Switched off by staff, or known to be a line that takes no texts."""
    standing = case.standing
    if standing.sms_enabled is False:
        next_step = "turn on SMS for it"
    elif standing.landline or standing.type in CANNOT_RECEIVE:
        next_step = "it can't receive texts: add a mobile number"
    else:
        return None
    return Finding(
        rule="not_sms_enabled",
        verdict=Verdict.REJECT,
        reason="The number isn't enabled for SMS",
        next_step=next_step,
    )
