"""One text, one meaning, and by which word or pattern."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.keywords import ALWAYS, Meaning, OwnWords, normalize, strip_marks, words_in
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords.revocation import find_revocation

Vocabulary = Mapping[str, Meaning]
"""By folded word."""


class Classification(NamedTuple):
    """`by` is the keyword or the pattern's id, empty where there is none; `words` those understood, folded."""

    meaning: Meaning
    by: str = ""
    words: str = ""


UNCLASSIFIED: Final = Classification(Meaning.NONE)
_NO_WORDS: Final = OwnWords()


def classify_reply(body: str, tenant: TenantSettings | None = None) -> Classification:
    """A keyword is the whole text: "stop." is one, "stop by at 5" is not (CTIA Messaging Principles 5.1: ignore case
    and punctuation).  What is no keyword may still be a revocation in other words, which has to be honoured too
    (47 CFR 64.1200(a)(10): "any reasonable means").  Anything else is for people to read.

    Whether a YES is consent depends on whether it answers anything: that is for whoever knows what was asked.
    """
    locales, own = (tenant.locales, tenant.keywords) if tenant else ((ALWAYS,), _NO_WORDS)
    text = normalize(body)
    word = strip_marks(text)
    meaning = vocabulary_of(locales, own).get(word)
    if meaning is not None:
        return Classification(meaning, word, word)
    found = find_revocation(text, locales)
    return Classification(Meaning.REVOKE, found.pattern, found.words) if found else UNCLASSIFIED


def apply_carrier_opt_out(
    answered: Classification, body: str, carrier_stop: bool | None
) -> Classification:
    """A provider may be told of words for STOP that we know nothing of (Twilio's Advanced Opt-Out): what it has taken
    for one is one, for it sends nothing more."""
    if not carrier_stop or answered.meaning is Meaning.STOP:
        return answered
    return Classification(Meaning.STOP, "carrier", strip_marks(normalize(body)))


@lru_cache(maxsize=1024)
def vocabulary_of(locales: tuple[str, ...], own: OwnWords) -> Vocabulary:
    """Of a tenant.  Its own words only add: what is a keyword stays one, and so does what revokes in other words."""
    known = {word.plain: word.meaning for word in words_in(locales)}
    for word, meaning in own.pairs():
        if meaning is Meaning.STOP or find_revocation(normalize(word), locales) is None:
            known.setdefault(strip_marks(normalize(word)), meaning)
    return MappingProxyType(known)
