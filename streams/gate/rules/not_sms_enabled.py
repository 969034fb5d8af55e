from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.state import NumberRow
from streams.reasons import NOT_SMS_ENABLED

CANNOT_RECEIVE: Final = frozenset(
    {"landline", "pager", "premium", "sharedCost", "tollFree", "voicemail"}
)
"""Line types as Twilio Lookup names them."""


def not_sms_enabled(case: Case) -> Finding | None:
    """Switched off by staff, or known to be a line that takes no texts, or one that the provider does not text."""
    standing = case.standing
    if switched_off(standing) and case.request.resolved is None:
        return NOT_SMS_ENABLED.finding(Verdict.REJECT)
    if standing.sms_enabled is False:
        return NOT_SMS_ENABLED.finding(Verdict.REJECT)
    if standing.suppressed:
        return NOT_SMS_ENABLED.but("the provider takes no texts to it: correct the number").finding(
            Verdict.REJECT
        )
    if standing.landline or standing.type in CANNOT_RECEIVE:
        return NOT_SMS_ENABLED.but("it can't receive texts: add a mobile number").finding(
            Verdict.REJECT
        )
    return None


def switched_off(standing: NumberRow) -> bool:
    """By everybody who has the number.  It is not asked where people has picked the number for its person: that
    person's switch was on, and what the gate has heard of it may be older than the request."""
    return bool(standing.switches) and not any(standing.switches.values())
