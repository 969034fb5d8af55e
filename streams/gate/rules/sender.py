"""Rules about the sender: whether the tenant may use it, and whether it reaches this recipient."""

from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.rule_context import RuleContext
from streams.gate.sender_selection import why_unavailable
from streams.gate.state import SENDERS_AT_MOST
from streams.rule_names import RuleName

NAMED_AT_MOST: Final = 10


def check_sender_not_allowed(context: RuleContext) -> Finding | None:
    """It must be the tenant's own or shared with it; and a number has few enough senders to tell
    all of a STOP."""
    if context.tenant is None:
        return None
    sender = context.senders.get(context.sender)
    if sender is None or context.request.tenant not in sender.tenants:
        reason = f"{context.sender[:40]} is not a sender of this tenant"
        next_step = _name_usable(context)
    elif (
        context.sender not in context.number.senders
        and len(context.number.senders) >= SENDERS_AT_MOST
    ):
        reason = f"This number was texted from {len(context.number.senders)} senders already"
        next_step = _name_known(context)
    else:
        return None
    return Finding(
        rule=RuleName.SENDER_NOT_ALLOWED,
        verdict=Verdict.REJECT,
        reason=reason,
        next_step=next_step,
    )


def _name_usable(context: RuleContext) -> str:
    usable = sorted(name for name in context.senders if _is_available(context, name))
    if not usable:
        return "apply a sender for this tenant first"
    others = len(usable) - NAMED_AT_MOST
    more = f" or {others} others" if others > 0 else ""
    return f"use {', '.join(usable[:NAMED_AT_MOST])}{more}"


def _name_known(context: RuleContext) -> str:
    for name in reversed(context.number.senders):
        if _is_available(context, name):
            return f"use {name} again"
    return "share one of those with this tenant"


def _is_available(context: RuleContext, name: str) -> bool:
    return why_unavailable(name, context.request.tenant, context.senders) is None


def check_sender_changed(context: RuleContext) -> Finding | None:
    """They would have kept the sender that they know; somebody may wonder why another one texts
    them."""
    known = context.number.sender
    if not known or context.sender == known or context.tenant is None or context.request.sender:
        return None
    why = why_unavailable(known, context.request.tenant, context.senders)
    if why is None:
        return None
    return Finding(
        rule=RuleName.SENDER_CHANGED,
        verdict=Verdict.SEND,
        reason=f"{known}, the sender that they know, {why}",
        next_step=f"nothing: it is sent from {context.sender}",
    )


def check_sender_cannot_receive(context: RuleContext) -> Finding | None:
    """Nobody could reply START to it, nor STOP."""
    sender = context.senders.get(context.sender)
    if sender is None or sender.hears:
        return None
    return Finding(
        rule=RuleName.SENDER_CANNOT_RECEIVE,
        verdict=Verdict.REJECT,
        reason=f"{context.sender} is not set up to receive answers",
        next_step="point its inbound webhook at Sayso, then apply it with hears: true",
    )


def check_blocked_by_carrier(context: RuleContext) -> Finding | None:
    """The carrier has said (Twilio 21610) that they texted STOP to this sender: it would refuse
    this one too."""
    if context.sender not in (context.number.blocked_senders or {}):
        return None
    return Finding(
        rule=RuleName.BLOCKED_BY_CARRIER,
        verdict=Verdict.REJECT,
        reason=f"The carrier takes no texts from {context.sender} to this number",
        next_step=f"they can lift it by texting START to {context.sender}; or use another sender",
    )
