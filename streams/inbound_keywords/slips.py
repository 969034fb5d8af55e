"""Slips of the finger: `syop` and `unsibscribe` are STOP words that were typed badly.

A text is compared as a whole, one to three words of it after what is polite.  It may be one slip
away from a STOP word, two from a long one.  A slip is a letter too many, one too few, another one,
or two in the wrong order (Damerau).  Real words are never corrected: `real_words.tsv` has those
that are so near (step, shop, atop, quite, cancer, subscribe).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final, NamedTuple

from schemas.keywords import ALWAYS, Meaning, words_in
from schemas.tsv import read_rows

SHORTEST: Final = 4
"""Letters, of the word and of the slip.  Of three letters, too many are words."""
_LONG: Final = 8
"""Letters of a word that may be two slips away."""
FCC_WORDS: Final = ("stop", "stopall", "quit", "cancel", "revoke", "unsubscribe", "optout")
SHORTEST_FOREIGN: Final = 6
SHORTEST_CORRECTED: Final = 5
CORRECTED: Final = (
    *("please", "remove", "texting", "message", "messages", "messaging", "contact", "contacting"),
    *(
        "number",
        "sending",
        "unsubscribe",
        "calling",
        "delete",
        "bothering",
        "spamming",
        "harassing",
    ),
    *("consent", "permission", "anymore", "notifications", "subscription", "cancel", "alone"),
)
"""Words of sentences that revoke."""
_LONGEST_CORRECTED: Final = max(map(len, CORRECTED)) + 1

_KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_HAND_MADE: Final = {"stp": "stop", "sto": "stop", "qit": "quit", "enf": "end", "wnd": "end"}


class Slip(NamedTuple):
    word: str
    meaning: Meaning
    """REVOKE for what a finger does, POSSIBLE for any other letter and for another language."""
    locale: str = ALWAYS


@lru_cache(maxsize=4096)
def find_slip(candidate: str) -> Slip | None:
    """`candidate`: normalized, without blanks."""
    if found := _HAND_MADE.get(candidate):
        return Slip(found, Meaning.POSSIBLE)
    if not SHORTEST <= len(candidate) <= _longest_slip() or not candidate.isalpha():
        return None
    if candidate in _real_words():
        return None
    near = {
        (word, locale)
        for shorter in _shorten(candidate, 2 if len(candidate) >= _LONG - 2 else 1)
        for word, locale in _by_shorter().get(shorter, ())
    }
    for word, locale in sorted(near, key=lambda one: (one[1] != ALWAYS, one)):
        limit = _limit(word, locale)
        if 0 < distance(candidate, word, limit) <= limit:
            is_likely = locale == ALWAYS and (limit > 1 or _is_of_a_finger(candidate, word))
            return Slip(word, Meaning.REVOKE if is_likely else Meaning.POSSIBLE, locale)
    return None


def correct_word(word: str) -> str:
    """A word of a sentence as it was meant, if it is one slip from a word that revokes."""
    if not SHORTEST_CORRECTED <= len(word) <= _LONGEST_CORRECTED or not word.isascii():
        return word
    if word in CORRECTED or word in _real_words():
        return word
    for shorter in _shorten(word, 1):
        for meant in _corrected_by_shorter().get(shorter, ()):
            if distance(word, meant, 1) == 1:
                return meant
    return word


@cache
def _corrected_by_shorter() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word in CORRECTED:
        for shorter in _shorten(word, 1):
            found.setdefault(shorter, []).append(word)
    return {shorter: tuple(words) for shorter, words in found.items()}


def _limit(word: str, locale: str) -> int:
    return 2 if locale == ALWAYS and len(word) >= _LONG else 1


def _shorten(word: str, letters: int) -> set[str]:
    """The word, and without any one or two of its letters: slips have one of these in common."""
    found = {word}
    last = found
    for _ in range(letters):
        last = {one[:at] + one[at + 1 :] for one in last for at in range(len(one))}
        found |= last
    return found


@cache
def _by_shorter() -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for word, locale in slip_targets():
        for shorter in _shorten(word, _limit(word, locale)):
            found.setdefault(shorter, []).append((word, locale))
    return {shorter: tuple(words) for shorter, words in found.items()}


@cache
def _longest_slip() -> int:
    return max(len(word) + _limit(word, locale) for word, locale in slip_targets())


@cache
def slip_targets() -> tuple[tuple[str, str], ...]:
    """(STOP word, locale) that a slip is corrected to."""
    foreign = {
        word.plain: word.locale
        for word in words_in()
        if word.meaning is Meaning.STOP and word.locale != ALWAYS
    }
    return (
        *((word, ALWAYS) for word in FCC_WORDS),
        *(
            (word, locale)
            for word, locale in foreign.items()
            if word.isalpha() and len(word) >= SHORTEST_FOREIGN and word not in FCC_WORDS
        ),
    )


def distance(one: str, other: str, limit: int) -> int:
    """Slips between two words, as far as `limit`; beyond it, any larger number."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, wanted in enumerate(other, 1):
            cost = min(
                above[column] + 1,
                current[column - 1] + 1,
                above[column - 1] + (letter != wanted),
            )
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, above = above, current
    return above[-1]


def _is_of_a_finger(slip: str, word: str) -> bool:
    """Anything but a letter in place of one that lies far off on the keyboard."""
    if len(slip) != len(word):
        return True
    wrong = [(one, other) for one, other in zip(slip, word, strict=True) if one != other]
    return len(wrong) != 1 or wrong[0][0] in _neighbours().get(wrong[0][1], "")


@cache
def _neighbours() -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for row, keys in enumerate(_KEYS):
        for column, key in enumerate(keys):
            for other_row in range(max(0, row - 1), min(len(_KEYS), row + 2)):
                near = _KEYS[other_row][max(0, column - 1) : column + 2]
                found.setdefault(key, set()).update(set(near) - {key})
    return {key: "".join(sorted(near)) for key, near in found.items()}


@cache
def _real_words() -> frozenset[str]:
    rows = read_rows("streams.inbound_keywords", "real_words.tsv")
    return frozenset(word for word, *_ in rows)
