"""The words that are acted on when they are all that somebody writes, per locale, and how words are compared."""

from schemas.keywords.fold import bare, folded
from schemas.keywords.meaning import Meaning
from schemas.keywords.own import OwnWords
from schemas.keywords.words import ALWAYS, LOCALES, Word, words_in

__all__ = ["ALWAYS", "LOCALES", "Meaning", "OwnWords", "Word", "bare", "folded", "words_in"]
