"""The meaning of an inbound text, and the keyword or pattern that says so."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.keywords import ALWAYS, Meaning, OwnWords, normalize, strip_marks, words_in
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords.revocation import find_revocation

Vocabulary = Mapping[str, Meaning]
"""By normalized word."""


class Classification(NamedTuple):
    meaning: Meaning
    by: str = ""
    """The keyword, or the id of the pattern; empty where there is none."""
    words: str = ""
    """The words that it was found by, normalized."""


UNCLASSIFIED: Final = Classification(Meaning.NONE)
_NO_WORDS: Final = OwnWords()


def classify_reply(body: str, tenant: TenantSettings | None = None) -> Classification:
    """A keyword is the whole text: "stop." is one, "stop by at 5" is not (CTIA Messaging Principles
    5.1: ignore case and punctuation).  A text that is no keyword may still revoke consent in other
    words, which we must honour too (47 CFR 64.1200(a)(10): "any reasonable means").  Anything else
    is for people to read.

    Whether a YES is consent depends on what was asked: the caller knows that, and this function
    does not.
    """
    locales = tenant.locales if tenant else (ALWAYS,)
    own = tenant.keywords if tenant else _NO_WORDS
    text = normalize(body)
    word = strip_marks(text)
    meaning = vocabulary_of(locales, own).get(word)
    if meaning is not None:
        return Classification(meaning, word, word)
    found = find_revocation(text, locales)
    return Classification(Meaning.REVOKE, found.pattern, found.words) if found else UNCLASSIFIED


def apply_carrier_opt_out(
    classification: Classification, body: str, carrier_stop: bool | None
) -> Classification:
    """If the provider took the text for a STOP, so do we, for it sends nothing more.  It may know
    words for STOP that we do not (Twilio's Advanced Opt-Out)."""
    if not carrier_stop or classification.meaning is Meaning.STOP:
        return classification
    return Classification(Meaning.STOP, "carrier", strip_marks(normalize(body)))


@lru_cache(maxsize=1024)
def vocabulary_of(locales: tuple[str, ...], own: OwnWords) -> Vocabulary:
    """A tenant's keywords.  Its own words only add: what is a keyword or a revocation without them
    stays one."""
    known = {word.plain: word.meaning for word in words_in(locales)}
    for word, meaning in own.pairs():
        if meaning is Meaning.STOP or find_revocation(normalize(word), locales) is None:
            known.setdefault(strip_marks(normalize(word)), meaning)
    return MappingProxyType(known)
