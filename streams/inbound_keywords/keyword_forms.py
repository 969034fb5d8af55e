"""A STOP word among words that change nothing: `please STOP, thanks`, `STOP 24273`, `STOP HARBOR`.

The words that the FCC names (stop, quit, end, revoke, opt out, cancel, unsubscribe) are certain in
these forms, as a tenant's own STOP words are.  Every word of the text has to be accounted for:
"stop by at 5" is no such form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.keywords import Meaning, normalize, strip_marks
from schemas.tsv import read_rows

MAX_WORDS: Final = 24
"""Longer texts are sentences."""
_LONGEST_PHRASE: Final = 6
MAX_LEFT: Final = 3
"""Words of a text that may be a slip."""
_LONGEST_SPELLED: Final = 12
"""Letters of a word that is written one by one."""

FCC_WORDS: Final = ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout")
"""47 CFR 64.1200(a)(10), and what Twilio adds."""
_BEGINNINGS: Final = frozenset(word[:end] for word in FCC_WORDS for end in range(1, len(word) + 1))
PHRASES: Final = (
    *("opt out", "stop all", "end all", "cancel all", "opt me out", "opt us out", "unsubscribe me"),
    *("unsubscribe us", "un subscribe", "unsub", "unsub me", "opt outs", "stop it all"),
)
_ONLY_ABOUT_US: Final = frozenset({"stop", "stopall", "unsubscribe", "optout", "revoke"})
"""A number behind these is none of an order or a booking."""
_LEET: Final = str.maketrans("0134578", "oieastb")
_GLUED: Final = re.compile(
    r"(?:please|pls|plz|just)?(?P<word>stopall|stop|unsubscribe|unsub|cancel|end|quit|revoke|optout)"
    r"(?:(?:2|4|to|and|or)?(?:stopall|stop|unsubscribe|cancel|end|quit|revoke|optout|remove)){0,4}"
    r"(?:now|please|pls|plz|all|me|thanks|thankyou|thx|texts?|texting|txts?|it|this|messages?|sms"
    r"|msgs?|spam|asap|already)?(?:now|please|pls|plz|thanks|thx)?"
)
_CODE: Final = re.compile(r"\d{3,8}|(?=[a-z]{0,4}\d)(?=[a-z0-9]{0,9}\d[a-z]{0,4}\d)[a-z0-9]{4,10}")
_TIME: Final = re.compile(
    r"\d{1,4}(?:am|pm|a|p|h|hr|hrs|min|mins|th|st|[nr]d|k|x|days?|weeks?|months?|years?)"
)
_DIGITS: Final = re.compile(r"\d+")
_NO_NAME: Final = frozenset({"the", "a", "an", "of", "and", "law", "st", "dr", "my", "our", "us"})


class WordKind(Enum):
    STOP = auto()
    """A STOP word of the tenant."""
    FOREIGN = auto()
    """A STOP word that is likely to be one."""
    ORDINARY = auto()
    """A STOP word that is an ordinary word elsewhere."""
    AROUND = auto()
    NUMBER = auto()
    """A code, or a number that is none of our sender's."""
    OURS = auto()
    """Our sender's number or the tenant's name."""


class FormMatch(NamedTuple):
    meaning: Meaning
    word: str


class Lexicon(NamedTuple):
    kinds: Mapping[str, WordKind]
    """By words, normalized."""
    longest: Mapping[str, int]
    """Words of the longest phrase, by its first word."""
    stops: frozenset[str]
    """The STOP words, of any kind."""


class _Shape(NamedTuple):
    """What a word may be, whatever the lexicon."""

    begins: str
    """The beginning of a word that is written with blanks, in letters; empty if it is none."""
    glued: str
    """The STOP word in `stopplease`."""
    is_code: bool


def find_form(text: str, lexicon: Lexicon, ours: str) -> FormMatch | None:
    """`text` is normalized, without dots and commas; `ours` are the digits of our sender."""
    words = text.split()
    if not words or len(words) > MAX_WORDS:
        return None
    found = list(_kinds_of(words, lexicon, ours))
    if found[-1][0] is None:
        return None
    stops = [(kind, word) for kind, word in found if kind in _MEANINGS and kind is not None]
    if not stops:
        return None
    kind, word = min(stops, key=lambda one: _STRONGEST.index(one[0]))
    meaning = _MEANINGS[kind]
    has_number = any(kind is WordKind.NUMBER for kind, _ in found)
    if has_number and meaning is Meaning.STOP and word not in _ONLY_ABOUT_US:
        meaning = Meaning.REVOKE
    return FormMatch(meaning, word)


_STRONGEST: Final = (WordKind.STOP, WordKind.FOREIGN, WordKind.ORDINARY)
_MEANINGS: Final[dict[WordKind | None, Meaning]] = {
    WordKind.STOP: Meaning.STOP,
    WordKind.FOREIGN: Meaning.REVOKE,
    WordKind.ORDINARY: Meaning.POSSIBLE,
}


def words_left(text: str, lexicon: Lexicon, ours: str) -> tuple[str, ...]:
    """The words of a text that has no STOP word, without those that change nothing."""
    words = text.split()
    left: list[str] = []
    at = 0
    while at < len(words) <= MAX_WORDS:
        taken, kind, word = _longest(words, at, lexicon, ours)
        if kind in _MEANINGS:
            return ()
        if kind is None:
            left.append(word)
            if len(left) > MAX_LEFT:
                return ()
        at += taken
    return tuple(left)


STOP_KINDS: Final = frozenset(_STRONGEST)


def _kinds_of(
    words: list[str], lexicon: Lexicon, ours: str
) -> Iterator[tuple[WordKind | None, str]]:
    """(kind, the words); a word of no kind ends it."""
    at = 0
    while at < len(words):
        taken, kind, word = _longest(words, at, lexicon, ours)
        yield kind, word
        if kind is None:
            return
        at += taken


def _longest(
    words: list[str], at: int, lexicon: Lexicon, ours: str
) -> tuple[int, WordKind | None, str]:
    word = words[at]
    if word.isdigit() and (digits := _number_at(words, at)):
        taken, number = digits
        if _same_number(number, ours):
            return taken, WordKind.OURS, number
        if len(number) >= 10 or (taken == 1 and len(number) >= 3):
            return taken, WordKind.NUMBER, number
    shape = _shape_of(word)
    if shape.begins and (spelled := _spelled_at(words, at)):
        return spelled[0], WordKind.STOP, spelled[1]
    for length in range(min(lexicon.longest.get(word, 0), len(words) - at), 0, -1):
        phrase = " ".join(words[at : at + length])
        if kind := lexicon.kinds.get(phrase):
            return length, kind, phrase
    if shape.glued:
        return 1, WordKind.STOP, shape.glued
    return 1, WordKind.NUMBER if shape.is_code else None, word


@lru_cache(maxsize=16_384)
def _shape_of(word: str) -> _Shape:
    letters = word.translate(_LEET)
    glued = _GLUED.fullmatch(word) or _GLUED.fullmatch(letters)
    return _Shape(
        letters if letters in _BEGINNINGS else "",
        glued["word"] if glued else "",
        bool(_CODE.fullmatch(word)) and not _TIME.fullmatch(word),
    )


def _number_at(words: list[str], at: int) -> tuple[int, str] | None:
    """A number may be written in groups: `+1 (312) 555-0100`."""
    digits = ""
    end = at
    while end < len(words) and words[end].isascii() and words[end].isdigit():
        digits += words[end]
        end += 1
        if len(digits) > 15:
            return None
    return (end - at, digits) if digits else None


def _same_number(number: str, sender: str) -> bool:
    """With or without the country's code of North America."""
    if not sender:
        return False
    return number == sender or (
        len(number) >= 7 and (sender.endswith(number) or number.endswith(sender))
    )


def _spelled_at(words: list[str], at: int) -> tuple[int, str] | None:
    """`s t o p`, `st op`, `un sub scribe`: a word that blanks part."""
    joined = _shape_of(words[at]).begins
    found = None
    for end in range(at + 1, min(at + _LONGEST_SPELLED, len(words))):
        joined = (joined + words[end]).translate(_LEET)
        if joined not in _BEGINNINGS:
            break
        if joined in FCC_WORDS:
            found = (end - at + 1, joined)
    return found


def digits_of(address: str) -> str:
    return "".join(_DIGITS.findall(address))


def build_lexicon(names: tuple[str, ...], stops: Mapping[str, Meaning]) -> Lexicon:
    """`stops` has the STOP words, normalized, with what they mean for the tenant; `names` are the
    tenant's."""
    kinds = dict.fromkeys(_around(), WordKind.AROUND)
    kinds |= dict.fromkeys(names, WordKind.OURS)
    kinds |= {word: _KIND_OF[meaning] for word, meaning in stops.items()}
    kinds |= dict.fromkeys((*FCC_WORDS, *PHRASES), WordKind.STOP)
    longest: dict[str, int] = {}
    for phrase in kinds:
        words = phrase.split()
        if words:
            longest[words[0]] = max(longest.get(words[0], 0), min(len(words), _LONGEST_PHRASE))
    of_stops = frozenset(word for word, kind in kinds.items() if kind in STOP_KINDS)
    return Lexicon(MappingProxyType(kinds), MappingProxyType(longest), of_stops)


_KIND_OF: Final = {
    Meaning.STOP: WordKind.STOP,
    Meaning.REVOKE: WordKind.FOREIGN,
    Meaning.POSSIBLE: WordKind.ORDINARY,
}


@lru_cache(maxsize=1024)
def names_of(written: tuple[str, ...]) -> tuple[str, ...]:
    """What people may call a tenant: `Harbor Legal Aid` is also harbor, harbor legal and HLA."""
    found: dict[str, None] = {}
    for name in written:
        words = strip_marks(normalize(name)).split()
        while words and words[0] in _NO_NAME:
            words = words[1:]
        for length in range(1, len(words) + 1):
            found[" ".join(words[:length])] = None
        if len(words) > 1:
            found["".join(words)] = None
            found["".join(word[0] for word in words)] = None
    return tuple(name for name in found if len(name) > 1)


@cache
def _around() -> tuple[str, ...]:
    return tuple(
        strip_marks(normalize(word, latin_marks=language == "vi"))
        for language, words, _ in read_rows("streams.inbound_keywords", "around.tsv")
        for word in words.split("|")
    )
