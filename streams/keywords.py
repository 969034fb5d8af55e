"""Words that mean one thing and are acted on at once.

The sets are what Twilio acts on by default (Advanced Opt-Out documentation and help article 223134027, with REVOKE
and OPTOUT, added in 2025), and "OPT OUT" as 47 CFR 64.1200(a)(10) writes it.  A keyword is the whole text: "STOP
PLEASE" is not one, "stop." is (CTIA Messaging Principles 5.1: ignore case and punctuation).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"


SETS: Final[dict[Keyword, frozenset[str]]] = {
    Keyword.STOP: frozenset(
        {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT", "OPT-OUT"}
    ),
    Keyword.START: frozenset({"START", "YES", "UNSTOP"}),
    Keyword.HELP: frozenset({"HELP", "INFO"}),
}

_MEANING: Final = {word: keyword for keyword, words in SETS.items() for word in words}
_LONGEST: Final = 40
"""Characters between the first letter and the last: room for blanks between two words."""


def keyword(body: str) -> Keyword | None:
    """What the whole text means, in any case, or None: then a person has to read it."""
    bare = _bare(body)
    return _MEANING.get(" ".join(bare.upper().split())) if len(bare) <= _LONGEST else None


def _bare(body: str) -> str:
    """From the first letter or digit to the last: neither blanks nor signs around it count."""
    start = next((place for place, char in enumerate(body) if char.isalnum()), len(body))
    beyond = next((place for place, char in enumerate(reversed(body)) if char.isalnum()), 0)
    return body[start : len(body) - beyond]
