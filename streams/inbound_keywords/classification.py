"""What a text means, and what says so."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.keywords import Meaning


class Classification(NamedTuple):
    meaning: Meaning
    by: str = ""
    """What found it: the keyword, `es:baja` for one of a locale that is off, the id of a pattern,
    `slip:stop`, `reaction:disliked`, `gesture:🛑`; empty where there is none."""
    words: str = ""
    """The words that it was found by, normalized.  Alone they mean the same."""


UNCLASSIFIED: Final = Classification(Meaning.NONE)
