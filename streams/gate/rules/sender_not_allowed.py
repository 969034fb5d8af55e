from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
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
        return _refused(f"This number was texted from {len(used)} senders already", f"use {used[-1]} again")
    return None


def _may_use(case: Case) -> str:
    own = sorted(name for name, sender in case.senders.items() if case.request.tenant in sender.tenants)
    if not own:
        return "apply a sender for this tenant first"
    more = f" or {len(own) - NAMED_AT_MOST} others" if len(own) > NAMED_AT_MOST else ""
    return f"use {', '.join(own[:NAMED_AT_MOST])}{more}"


def _refused(reason: str, next_step: str) -> Finding:
    return Finding(rule="sender_not_allowed", verdict=Verdict.REJECT, reason=reason, next_step=next_step)
