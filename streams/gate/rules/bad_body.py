from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.limits import BODY_AT_MOST


def bad_body(case: Case) -> Finding | None:
    """What the provider would refuse (Twilio 21602, 21617) is refused here, before anything is paid or queued."""
    body = case.request.body
    if len(body) > BODY_AT_MOST:
        reason, next_step = f"The text has {len(body)} characters; {BODY_AT_MOST} is the most", "shorten it"
    elif not body.strip():
        reason, next_step = "The text is empty", "write something"
    elif "\0" in body:
        reason, next_step = "The text holds a NUL character", "take it out: it comes from a fault in the producer"
    else:
        return None
    return Finding(rule="bad_body", verdict=Verdict.REJECT, reason=reason, next_step=next_step)
