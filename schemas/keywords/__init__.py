"""Keywords per locale, which we act on when they are the whole text, and how we compare them."""

from schemas.keywords.normalize import normalize, strip_marks
from schemas.keywords.words import ALWAYS, LOCALES, Meaning, OwnWords, Word, words_in

__all__ = [
    "ALWAYS",
    "LOCALES",
    "Meaning",
    "OwnWords",
    "Word",
    "normalize",
    "strip_marks",
    "words_in",
]
