"""Rules about the text itself: its kind, its characters and its links.

Carriers filter links through public shorteners first (Twilio 30007, 30892), for they hide where
they lead.  The shorteners' domains are data: `shorteners.txt`, one a line.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from schemas.decision import Finding, Verdict
from schemas.tenant_settings import ShortenerPolicy
from streams.encoding.body import why_unsendable
from streams.gate.messages import PRIORITIES, WITHOUT_OPT_IN
from streams.gate.rule_context import RuleContext
from streams.rule_names import RuleName


def check_unknown_kind(context: RuleContext) -> Finding | None:
    """A producer cannot request the kinds of system messages."""
    if context.request.kind in (WITHOUT_OPT_IN if context.is_system else PRIORITIES):
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


DOMAINS: Final = frozenset(
    line.strip()
    for line in (files(__package__) / "shorteners.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
)

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


_may_link = re.compile(r"[.。．｡][^\W\d]").search
_NOT_IN_HOSTS: Final = re.compile(r"[^a-z0-9_.-]+")
_LABELS_AT_MOST: Final = 4
_DOTS: Final = str.maketrans({"。": ".", "．": ".", "｡": "."})
"""Phones turn these into links all the same (RFC 3490, section 3.1)."""


def find_shortener(body: str) -> str | None:
    """The first known shortener that the text links to, by its own domain or below it."""
    if not _may_link(body):
        return None
    for word in body.lower().translate(_DOTS).split():
        if "." in word:
            for host in _NOT_IN_HOSTS.split(word):
                if found := _find_domain(host.strip(".").split(".")[-_LABELS_AT_MOST:]):
                    return found
    return None


def _find_domain(labels: list[str]) -> str | None:
    endings = (".".join(labels[start:]) for start in range(len(labels)))
    return next((domain for domain in endings if domain in DOMAINS), None)
