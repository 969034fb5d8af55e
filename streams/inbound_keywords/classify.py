"""The meaning of an inbound text, and the keyword, pattern or model that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

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
from streams.inbound_keywords import keyword_forms
from streams.inbound_keywords.answers import is_plain_answer
from streams.inbound_keywords.classification import UNCLASSIFIED, Classification
from streams.inbound_keywords.cores import find_core
from streams.inbound_keywords.gestures import find_gesture, find_reaction
from streams.inbound_keywords.keyword_forms import (
    FormMatch,
    Lexicon,
    find_form,
    words_left,
)
from streams.inbound_keywords.model import load_model
from streams.inbound_keywords.own_words import own_words
from streams.inbound_keywords.revocation import DRAWN_OUT, find_revocation, normalize_spelling
from streams.inbound_keywords.signatures import without_signature
from streams.inbound_keywords.slips import find_slip

Vocabulary = Mapping[str, Meaning]
"""By normalized word."""
Readings = tuple[str, ...]
"""As `readings_of` has them."""

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

LEAST_WITH_CORE: Final = 40
"""Percent that the model has to be sure of for a person to read the text."""
LEAST_WITHOUT_CORE: Final = 60
FEW: Final = 3
"""Letters.  Chance makes a likeness of them."""
LONGEST_SIGNED: Final = 400
"""Characters.  A keyword above a signature stands in a short text."""
_MAY_BE_SIGNED: Final = frozenset({Meaning.STOP, Meaning.REVOKE, Meaning.POSSIBLE, Meaning.HELP})
"""A START or YES has to be the whole of what they wrote."""
_NO_WORDS: Final = OwnWords()
LAST_READ: Final = 16
"""Texts, of which is kept what they mean to any tenant: those of a shared sender ask in turn."""


def classify_reply(
    body: str, tenant: TenantSettings | None = None, sender: str = ""
) -> Classification:
    """A keyword is the whole text: "stop." is one, "stop by at 5" is not (CTIA Messaging Principles
    5.1: ignore case and punctuation).  What changes nothing may stand around it: a signature, a
    "please", a number.  A text that is no keyword may still revoke consent in other words, which we
    must honour too (47 CFR 64.1200(a)(10): "any reasonable means").  What may be a revocation is
    for a person to read before anything automatic goes.  Anything else is for people to read.

    `sender` is the address the text was sent to, ours; left out, the tenant's.

    Whether a YES is consent depends on what was asked: the caller knows that, and this function
    does not.  The same is true of a plain "no": see `classify_answer`.
    """
    readings = _readings_of(body)
    keyword = _find_keyword(readings, tenant)
    if keyword is not None:
        return keyword
    own = _own_words(body)
    if own.reaction:
        return find_reaction(own.reaction) or UNCLASSIFIED
    text = own.text
    if text != body.strip():
        readings = _readings_of(text)
        keyword = _find_keyword(readings, tenant)
        if keyword is not None:
            return keyword
    return _first_certain(_findings(text, readings, tenant, sender))


_readings_of = lru_cache(LAST_READ)(readings_of)
_own_words = lru_cache(LAST_READ)(own_words)


def _first_certain(findings: Iterator[Classification | None]) -> Classification:
    """The first that is more than possible, or else the first."""
    possible = UNCLASSIFIED
    for found in findings:
        if found is None:
            continue
        if found.meaning is not Meaning.POSSIBLE:
            return found
        if possible is UNCLASSIFIED:
            possible = found
    return possible


def _findings(
    text: str, readings: Readings, tenant: TenantSettings | None, sender: str
) -> Iterator[Classification | None]:
    """What else may say what a text means, the surest first."""
    lexicon = _lexicon_of(tenant)
    ours = keyword_forms.digits_of(sender or (tenant.sender if tenant else ""))
    yield _find_form(readings, lexicon, ours)
    if len(text) <= LONGEST_SIGNED:
        words = strip_marks(readings[0]).split()
        yield from _find_above_signature(text, words, tenant, lexicon, ours)
    yield _find_pattern(readings)
    yield _find_slip(readings, lexicon, ours, tenant)
    yield find_gesture(text)
    yield _ask_model(readings)


def _find_keyword(readings: Readings, tenant: TenantSettings | None) -> Classification | None:
    locales = tenant.locales if tenant else (ALWAYS,)
    known = vocabulary_of(locales, tenant.keywords if tenant else _NO_WORDS)
    for reading in readings:
        word = strip_marks(reading)
        if (meaning := known.get(word)) is not None:
            return Classification(meaning, word, word)
    return None


def _find_form(readings: Readings, lexicon: Lexicon, ours: str) -> Classification | None:
    """A STOP word, of any locale, among words that change nothing."""
    for reading in readings:
        text = strip_marks(reading)
        if found := find_form(text, lexicon, ours) or _find_drawn_out(text, lexicon, ours):
            if len(readings) > 1 and found.word in _stop_words_without_tones():
                continue  # Who writes tones means another word: đúng is "correct", dừng "stop".
            foreign = _foreign_stop_words().get(found.word)
            is_known = found.meaning is Meaning.STOP or foreign is None
            by = found.word if is_known or foreign is None else f"{foreign[1]}:{found.word}"
            return Classification(found.meaning, by, found.word)
    return None


def _find_drawn_out(text: str, lexicon: Lexicon, ours: str) -> FormMatch | None:
    """`stoooop`, `cancelllll`"""
    if len(text) > LONGEST_SIGNED or not DRAWN_OUT.search(text):
        return None
    return find_form(DRAWN_OUT.sub(r"\1", text), lexicon, ours) or find_form(
        DRAWN_OUT.sub(r"\1\1", text), lexicon, ours
    )


def _find_above_signature(
    text: str, words: list[str], tenant: TenantSettings | None, lexicon: Lexicon, ours: str
) -> Iterator[Classification | None]:
    names = _begins_like_a_stop(words[:8], lexicon)
    for unsigned in without_signature(text, set(words), names=names):
        readings = _readings_of(unsigned.text)
        found = _find_keyword(readings, tenant) or _find_form(readings, lexicon, ours)
        if found is not None and found.meaning in _MAY_BE_SIGNED:
            is_guess = found.meaning is Meaning.STOP and not unsigned.is_certain
            yield found._replace(meaning=Meaning.REVOKE) if is_guess else found
        if unsigned.is_certain:
            yield _find_pattern(readings)
            yield _find_slip(readings, lexicon, ours, tenant)


def _begins_like_a_stop(words: list[str], lexicon: Lexicon) -> bool:
    spelled = normalize_spelling(" ".join(words)).split()
    return (
        not lexicon.stops.isdisjoint(spelled)
        or not lexicon.stops.isdisjoint(map(" ".join, pairwise(spelled)))
        or (len(words) > 1 and len(words[0]) <= 2 and len(words[1]) <= 2)
    )


@lru_cache(LAST_READ)
def _find_pattern(readings: Readings) -> Classification | None:
    found = find_revocation(*readings[:2])
    return Classification(found.meaning, found.pattern, found.words) if found else None


@lru_cache(LAST_READ)
def _ask_model(readings: Readings) -> Classification | None:
    """It may only say that a person has to read the text.  It has to be surer of a text that has
    not even the core of a revocation.

    It reads without tones, so it has no say where they make another word of a STOP word. Nor has it
    where there is too little to read: a plain answer, or one word of a few letters."""
    if is_plain_answer(readings[0]) or (readings[0].isalpha() and len(readings[0]) <= FEW):
        return None
    if len(readings) > 1 and strip_marks(readings[0]) in _stop_words_without_tones():
        return None
    found = load_model().suspect(readings[0], LEAST_WITH_CORE)
    if found is None:
        return None
    if found.percent < LEAST_WITHOUT_CORE and not find_core(*readings[:2]):
        return None
    return Classification(Meaning.POSSIBLE, found.by, found.words)


def _find_slip(
    readings: Readings, lexicon: Lexicon, ours: str, tenant: TenantSettings | None
) -> Classification | None:
    left = words_left(strip_marks(readings[0]), lexicon, ours)
    found = find_slip("".join(left)) if left else None
    if found is None:
        return None
    is_on = tenant is not None and found.locale in tenant.locales
    meaning = Meaning.REVOKE if is_on else found.meaning
    return Classification(meaning, f"slip:{found.word}", " ".join(left))


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
    return classify_reply(word).meaning in (Meaning.STOP, Meaning.REVOKE)


def _lexicon_of(tenant: TenantSettings | None) -> Lexicon:
    if tenant is None:
        return _lexicon((ALWAYS,), _NO_WORDS, ())
    company = tenant.consent_request.company or ""
    names = keyword_forms.names_of((tenant.name, company, tenant.tenant))
    return _lexicon(tenant.locales, tenant.keywords, names)


@lru_cache(maxsize=1024)
def _lexicon(locales: tuple[str, ...], own: OwnWords, names: tuple[str, ...]) -> Lexicon:
    known = vocabulary_of(locales, own)
    stops = {word: meaning for word, (meaning, _) in _foreign_stop_words().items()}
    stops |= {word: meaning for word, meaning in known.items() if meaning is Meaning.STOP}
    return keyword_forms.build_lexicon(names, stops)


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
    for toneless, locale in _stop_words_without_tones().items():
        known.setdefault(toneless, (Meaning.POSSIBLE, locale))
    return MappingProxyType(known)


@cache
def _stop_words_without_tones() -> Mapping[str, str]:
    """Their locale, by the word as people write it who leave the tones out.  None is a STOP word as
    it stands."""
    stops = [word for word in words_in() if word.meaning is Meaning.STOP]
    plain = {word.plain for word in stops}
    return MappingProxyType(
        {
            word.without_tones: word.locale
            for word in stops
            if word.without_tones and word.without_tones not in plain
        }
    )
