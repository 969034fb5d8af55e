"""Rules that a tenant's settings decide: whether and where it texts, and whether somebody
approves each text."""

from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from schemas.send_request import SystemKind
from schemas.tenant_settings import TenantSettings
from streams.gate.rule_context import RuleContext
from streams.reasons import (
    AWAITING_APPROVAL,
    NOBODY_APPROVED,
    READY,
    Reason,
    format_time,
    hold_deadline,
)
from streams.rule_names import RuleName

OWED: Final = frozenset({SystemKind.STOP_CONFIRMATION, SystemKind.HELP_ANSWER})
"""Whoever writes STOP or HELP gets a reply, whatever the tenant has paid for."""


def check_unknown_tenant(context: RuleContext) -> Finding | None:
    """Without settings there is no sender to text from and no policy to keep."""
    if context.tenant is not None:
        return None
    return Finding(
        rule=RuleName.UNKNOWN_TENANT,
        verdict=Verdict.REJECT,
        reason="This tenant has no settings",
        next_step="apply its settings first, then send again",
    )


def check_not_entitled(context: RuleContext) -> Finding | None:
    if context.tenant is None or context.tenant.entitled:
        return None
    if context.is_system and context.request.kind in OWED:
        return None
    return Finding(
        rule=RuleName.NOT_ENTITLED,
        verdict=Verdict.REJECT,
        reason="This tenant is not entitled to send texts",
        next_step="have texting switched on for it, then send again",
    )


def check_region_not_allowed(context: RuleContext) -> Finding | None:
    """Texts abroad cost more and are under other laws: a tenant names the countries that it
    texts."""
    tenant = context.tenant
    region = context.number.region
    if tenant is None or not region or region in tenant.regions:
        return None
    texted = ", ".join(tenant.regions) or "nowhere"
    return Finding(
        rule=RuleName.REGION_NOT_ALLOWED,
        verdict=Verdict.REJECT,
        reason=f"The number is in {region}; this tenant texts {texted}",
        next_step=f"add {region} to the tenant's regions, or use another number",
    )


def check_awaiting_approval(context: RuleContext) -> Finding | None:
    """Some branches want to see each text before it is sent.  System messages are not theirs to
    see."""
    if context.is_system or context.tenant is None:
        return None
    if _sends_immediately(context.tenant, context.request.branch):
        return None
    if context.approved is not None:
        at = format_time(context.approved.at, context.tenant.zone)
        reason = f"Approved by {context.approved.by}, {at}"
        return Reason(RuleName.APPROVED, reason, READY.next_step).finding(Verdict.SEND)
    if context.now >= hold_deadline(context.received, context.request.not_before, None):
        return NOBODY_APPROVED.finding(Verdict.EXPIRE)
    return AWAITING_APPROVAL.finding(Verdict.HOLD)


def _sends_immediately(tenant: TenantSettings, name: str | None) -> bool:
    """As the branch wants it, else the tenant.

    An unknown branch may be a misspelt one that wants to see its texts: if any branch does, this
    one does too."""
    branch = tenant.branches.get(name) if name else None
    if branch is not None and branch.send_immediately is not None:
        return branch.send_immediately
    is_unknown = name and branch is None
    if is_unknown and any(one.send_immediately is False for one in tenant.branches.values()):
        return False
    return tenant.send_immediately
