"""The meaning of an inbound text, and the keyword or pattern that says so."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.inbound import CarrierKeyword
from schemas.keywords import (
    ALWAYS,
    Meaning,
    OwnWords,
    normalize,
    readings_of,
    strip_marks,
    words_in,
)
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords.revocation import find_revocation

Vocabulary = Mapping[str, Meaning]
"""By normalized word."""
Readings = tuple[str, ...]
"""As `readings_of` has them."""


class Classification(NamedTuple):
    meaning: Meaning
    by: str = ""
    """The keyword, or the id of the pattern; empty where there is none."""
    words: str = ""
    """The words that it was found by, normalized."""


CARRIER_MEANINGS: Final[Mapping[str, Meaning]] = {
    CarrierKeyword.STOP: Meaning.STOP,
    CarrierKeyword.START: Meaning.START,
    CarrierKeyword.HELP: Meaning.HELP,
}
WEAKER_THAN: Final[Mapping[Meaning, frozenset[Meaning]]] = {
    Meaning.START: frozenset({Meaning.NONE, Meaning.HELP}),
    Meaning.HELP: frozenset({Meaning.NONE, Meaning.YES}),
}
"""What we may have read, where the provider's word counts more."""

UNCLASSIFIED: Final = Classification(Meaning.NONE)
_NO_WORDS: Final = OwnWords()


def classify_reply(
    body: str, tenant: TenantSettings | None = None, sender: str = ""
) -> Classification:
    """A keyword is the whole text: "stop." is one, "stop by at 5" is not (CTIA Messaging Principles
    5.1: ignore case and punctuation).  A text that is no keyword may still revoke consent in other
    words, which we must honour too (47 CFR 64.1200(a)(10): "any reasonable means").  Anything else
    is for people to read.

    `sender` is the address the text was sent to, ours.

    Whether a YES is consent depends on what was asked: the caller knows that, and this function
    does not.
    """
    readings = readings_of(body)
    return (
        _find_keyword(readings, tenant)
        or _find_foreign_keyword(readings)
        or _find_pattern(readings)
        or UNCLASSIFIED
    )


def _find_keyword(readings: Readings, tenant: TenantSettings | None) -> Classification | None:
    locales = tenant.locales if tenant else (ALWAYS,)
    known = vocabulary_of(locales, tenant.keywords if tenant else _NO_WORDS)
    for reading in readings:
        word = strip_marks(reading)
        if (meaning := known.get(word)) is not None:
            return Classification(meaning, word, word)
    return None


def _find_foreign_keyword(readings: Readings) -> Classification | None:
    """A STOP word of a locale that the tenant has not switched on."""
    known = _foreign_stop_words()
    for reading in readings:
        word = strip_marks(reading)
        if found := known.get(word):
            return Classification(found[0], f"{found[1]}:{word}", word)
    return None


def _find_pattern(readings: Readings) -> Classification | None:
    found = find_revocation(*readings[:2])
    return Classification(found.meaning, found.pattern, found.words) if found else None


def apply_carrier_keyword(
    classification: Classification, body: str, keyword: str | None
) -> Classification:
    """What the provider took the text for, by words that it alone may know (Twilio's Advanced
    Opt-Out).

    After a STOP it sends nothing more, so that counts whatever we read.  A START or HELP counts
    only where we read nothing else: it lifts no STOP, and Twilio takes any YES for a START."""
    carrier = CARRIER_MEANINGS.get((keyword or "").casefold())
    if carrier is None or classification.meaning is carrier:
        return classification
    if carrier is Meaning.STOP or classification.meaning in WEAKER_THAN[carrier]:
        return Classification(carrier, "carrier", strip_marks(normalize(body)))
    return classification


@lru_cache(maxsize=1024)
def vocabulary_of(locales: tuple[str, ...], own: OwnWords) -> Vocabulary:
    """A tenant's keywords.  Its own words only add: what is a keyword or a revocation without them
    stays one."""
    known = {word.plain: word.meaning for word in words_in(locales)}
    for word, meaning in own.pairs():
        if meaning is Meaning.STOP or not _is_stop_without_them(word):
            known.setdefault(strip_marks(normalize(word)), meaning)
    return MappingProxyType(known)


def _is_stop_without_them(word: str) -> bool:
    readings = readings_of(word)
    found = _find_foreign_keyword(readings) or _find_pattern(readings)
    return found is not None and found.meaning is Meaning.REVOKE


@cache
def _foreign_stop_words() -> Mapping[str, tuple[Meaning, str]]:
    """By normalized word, what it means and in which locale.  A word that is ordinary in one of
    its locales only makes a STOP possible."""
    known: dict[str, tuple[Meaning, str]] = {}
    for word in words_in():
        if word.meaning is not Meaning.STOP or word.elsewhere is Meaning.NONE:
            continue
        if word.elsewhere is Meaning.POSSIBLE:
            known[word.plain] = (Meaning.POSSIBLE, word.locale)
        else:
            known.setdefault(word.plain, (Meaning.REVOKE, word.locale))
    for word in words_in():
        if word.meaning is Meaning.STOP and word.without_tones:
            known.setdefault(word.without_tones, (Meaning.POSSIBLE, word.locale))
    return MappingProxyType(known)
