"""The core of a revocation: a word that says no or stop, and one for what we send or send it to.

By itself a core says little: "I did not get your text" has one.  Where a text has none, the model
has to be surer that a person should read it: see `_ask_model` in `classify.py`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from schemas.keywords import TONAL, fold_letters
from schemas.tsv import read_rows

_UNSPACED: Final = frozenset({"zh", "ja"})


class _Core(NamedTuple):
    language: str
    acts: re.Pattern[str]
    objects: re.Pattern[str]


def find_core(text: str, marked: str = "") -> str | None:
    """The language of the first core that a normalized text has; `marked`: with Latin marks."""
    for core in _cores():
        said = marked or text if core.language in TONAL else text
        if core.acts.search(said) and core.objects.search(said):
            return core.language
    return None


@cache
def _cores() -> tuple[_Core, ...]:
    rows = read_rows("streams.inbound_keywords", "cores.tsv")
    return tuple(
        _Core(language, _compile(language, acts), _compile(language, objects))
        for language, acts, objects in rows
    )


def _compile(language: str, words: str) -> re.Pattern[str]:
    folded = _FOREIGN.sub(
        lambda letters: fold_letters(letters[0], latin_marks=language in TONAL), words
    )
    return re.compile(folded if language in _UNSPACED else rf"(?<!\S)(?:{folded})(?!\S)")


_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")
