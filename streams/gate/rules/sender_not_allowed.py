from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.choice import against
from streams.gate.limits import SENDERS_AT_MOST

NAMED_AT_MOST: Final = 10


def sender_not_allowed(case: Case) -> Finding | None:
    """Only from a sender that is the tenant's own, or shared with it; and from few enough to tell all of a STOP."""
    if case.tenant is None:
        return None
    sender = case.senders.get(case.sender)
    if sender is None or case.request.tenant not in sender.tenants:
        return _refused(f"{case.sender[:40]} is not a sender of this tenant", _may_use(case))
    used = case.standing.senders
    if case.sender not in used and len(used) >= SENDERS_AT_MOST:
        return _refused(f"This number was texted from {len(used)} senders already", _again(case))
    return None


def _may_use(case: Case) -> str:
    own = sorted(
        name for name in case.senders if against(name, case.request.tenant, case.senders) is None
    )
    if not own:
        return "apply a sender for this tenant first"
    more = f" or {len(own) - NAMED_AT_MOST} others" if len(own) > NAMED_AT_MOST else ""
    return f"use {', '.join(own[:NAMED_AT_MOST])}{more}"


def _again(case: Case) -> str:
    used = reversed(case.standing.senders)
    known = next(
        (name for name in used if against(name, case.request.tenant, case.senders) is None), None
    )
    return f"use {known} again" if known else "share one of those with this tenant"


def _refused(reason: str, next_step: str) -> Finding:
    return Finding(
        rule="sender_not_allowed", verdict=Verdict.REJECT, reason=reason, next_step=next_step
    )
