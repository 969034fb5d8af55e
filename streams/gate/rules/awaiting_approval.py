from __future__ import annotations

from schemas.decision import Finding, Verdict
from schemas.tenant_settings import TenantSettings
from streams.gate.case import Case
from streams.hold_limits import hold_deadline
from streams.reasons import AWAITING_APPROVAL, NOBODY_APPROVED, READY, Reason, moment


def awaiting_approval(case: Case) -> Finding | None:
    """Some branches want to see each text before it leaves.  Texts that Sayso starts itself are not theirs to see."""
    if case.own or case.tenant is None or _leaves_unseen(case.tenant, case.request.branch):
        return None
    if case.approved is not None:
        said = f"Approved by {case.approved.by}, {moment(case.approved.at, case.tenant.zone)}"
        return Reason("approved", said, READY.next_step).finding(Verdict.SEND)
    if case.now >= hold_deadline(case.received, case.request.not_before, None):
        return NOBODY_APPROVED.finding(Verdict.EXPIRE)
    return AWAITING_APPROVAL.finding(Verdict.HOLD)


def _leaves_unseen(tenant: TenantSettings, name: str | None) -> bool:
    """As its branch wants it, else as the tenant does.  A branch that nobody knows may be a misspelt one that wants to
    see: where any does, it is seen."""
    branch = tenant.branches.get(name) if name else None
    if (
        branch is None
        and name
        and any(one.send_immediately is False for one in tenant.branches.values())
    ):
        return False
    wanted = branch.send_immediately if branch else None
    return tenant.send_immediately if wanted is None else wanted
