"""Links through public shorteners.

Carriers filter them first (Twilio 30007, 30892), for they hide where they lead.  The shorteners'
domains are data: `shorteners.txt`, one a line.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

DOMAINS: Final = frozenset(
    line.strip()
    for line in (files(__package__) / "shorteners.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
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
