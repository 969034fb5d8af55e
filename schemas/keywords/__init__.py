"""Keywords per locale, which we act on when they are the whole text, and how we compare them."""

from schemas.keywords.normalize import (
    fold_letters,
    fold_look_alikes,
    has_latin_marks,
    normalize,
    readings_of,
    strip_marks,
)
from schemas.keywords.words import ALWAYS, LOCALES, TONAL, Meaning, OwnWords, Word, words_in

__all__ = [
    "ALWAYS",
    "LOCALES",
    "TONAL",
    "Meaning",
    "OwnWords",
    "Word",
    "fold_letters",
    "fold_look_alikes",
    "has_latin_marks",
    "normalize",
    "readings_of",
    "strip_marks",
    "words_in",
]
