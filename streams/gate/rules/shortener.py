"""Links through public shorteners are what carriers filter first (Twilio 30007, 30892), for they hide where they lead.

The domains are data: `shorteners.txt`, one a line.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from schemas.decision import Finding, Verdict
from schemas.tenant_settings import ShortenerPolicy
from streams.gate.case import Case

DOMAINS: Final = frozenset(
    line.strip()
    for line in (files(__package__) / "shorteners.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
)

VERDICTS: Final = {ShortenerPolicy.REFUSE: Verdict.REJECT, ShortenerPolicy.WARN: Verdict.SEND}
"""A finding with verdict `send` is a warning; a policy that is not here allows."""

_may_link = re.compile(r"[.。．｡][^\W\d]").search
_NOT_IN_HOSTS: Final = re.compile(r"[^a-z0-9_.-]+")
_LABELS_AT_MOST: Final = 4
_DOTS: Final = str.maketrans({"。": ".", "．": ".", "｡": "."})
"""Dots that phones turn into links all the same (RFC 3490, section 3.1)."""


def shortener(case: Case) -> Finding | None:
    policy = VERDICTS.get(case.tenant.shorteners) if case.tenant else None
    found = policy and shortened(case.request.body)
    if not policy or not found:
        return None
    return Finding(
        rule="shortener",
        verdict=policy,
        reason=f"It has a link through the public shortener {found}, which carriers filter",
        next_step="use the full link",
    )


def shortened(body: str) -> str | None:
    """The first known shortener that the text links to, by its own domain or below it."""
    if not _may_link(body):
        return None
    for word in body.lower().translate(_DOTS).split():
        if "." in word:
            for host in _NOT_IN_HOSTS.split(word):
                if found := _known(host.strip(".").split(".")[-_LABELS_AT_MOST:]):
                    return found
    return None


def _known(labels: list[str]) -> str | None:
    endings = (".".join(labels[start:]) for start in range(len(labels)))
    return next((domain for domain in endings if domain in DOMAINS), None)
