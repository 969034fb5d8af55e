"""Words that mean one thing and are acted on at once.

The sets are what Twilio acts on by default (Advanced Opt-Out documentation and help article 223134027, with REVOKE
and OPTOUT, added in 2025), and "OPT OUT" as 47 CFR 64.1200(a)(10) writes it.  A keyword is the whole text: "STOP
PLEASE" is not one, "stop." is (CTIA Messaging Principles 5.1: ignore case and punctuation).
"""

from __future__ import annotations

import re
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

LONGEST: Final = 160
"""Characters.  More than one segment, however much of it is blank or punctuation, is no keyword."""

_MEANING: Final = {word: keyword for keyword, words in SETS.items() for word in words}
_AROUND: Final = re.compile(r"^[\W_]+|[\W_]+$")
_BLANKS: Final = re.compile(r"\s+")


def keyword(body: str) -> Keyword | None:
    """What the whole text means, in any case, or None: then a person has to read it."""
    if len(body) > LONGEST:
        return None
    bare = _AROUND.sub("", body)
    return _MEANING.get(_BLANKS.sub(" ", bare).upper())
