"""What a cell of a list means by its word for yes or no.

The words are data, in `opt_out_words.tsv`: letters and digits only, in lower case.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from schemas.tsv import read_rows
from streams.inbound_keywords import Meaning, classify_reply

_TAKEN_AS_NO: Final = frozenset({Meaning.STOP, Meaning.REVOKE})


def is_opt_in(written: str) -> bool:
    """An empty cell is a yes: the file is a list of consents."""
    return not written.strip() or _fold(written) in _words("yes")


def is_opt_out(written: str) -> bool:
    """In any writing of the word, and in the words in which people text it."""
    if is_opt_in(written):
        return False
    word = _fold(written)
    # A word that begins so is a no, whatever follows: `Opt-out (by phone)`.
    is_word = word in _words("no") or word.startswith(_words("no_before"))
    return is_word or classify_reply(written).meaning in _TAKEN_AS_NO


@cache
def _words(meaning: str) -> tuple[str, ...]:
    rows = read_rows("services.operations", "opt_out_words.tsv")
    return tuple(_fold(word) for kind, word, _source in rows if kind == meaning)


def _fold(written: str) -> str:
    plain = unicodedata.normalize("NFKD", written.casefold())
    return re.sub(r"[\W_]+", "", "".join(one for one in plain if not unicodedata.combining(one)))
