"""Rules about the text itself: its kind, its characters and its links."""

from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from schemas.tenant_settings import ShortenerPolicy
from streams.encoding.body import why_unsendable
from streams.gate.messages import PRIORITIES, SYSTEM_PRIORITIES
from streams.gate.rule_context import RuleContext
from streams.links.shorteners import find_shortener
from streams.rule_names import RuleName


def check_unknown_kind(context: RuleContext) -> Finding | None:
    """A producer cannot request the kinds of system messages."""
    if context.request.kind in (SYSTEM_PRIORITIES if context.is_system else PRIORITIES):
        return None
    return Finding(
        rule=RuleName.UNKNOWN_KIND,
        verdict=Verdict.REJECT,
        reason=f"There is no kind of text named {context.request.kind[:40]!r}",
        next_step=f"use one of {', '.join(PRIORITIES)}",
    )


def check_invalid_body(context: RuleContext) -> Finding | None:
    problem = why_unsendable(context.request.body)
    return problem.finding(Verdict.REJECT) if problem else None


VERDICTS: Final = {ShortenerPolicy.REFUSE: Verdict.REJECT, ShortenerPolicy.WARN: Verdict.SEND}
"""A finding with verdict `send` is a warning; a policy that is not here allows."""


def check_shortener(context: RuleContext) -> Finding | None:
    policy = VERDICTS.get(context.tenant.shorteners) if context.tenant else None
    domain = policy and find_shortener(context.request.body)
    if not policy or not domain:
        return None
    return Finding(
        rule=RuleName.SHORTENER,
        verdict=policy,
        reason=f"It has a link through the public shortener {domain}, which carriers filter",
        next_step="use the full link",
    )
