"""Bring a text to plain words, so that two ways of writing one thing compare as equal.

These make no difference: case, apostrophes, what cannot be seen, full-width and decorated letters
(NFKD), and letters of other scripts that look Latin (`confusables.tsv`) in a word that mixes
scripts.  Anything else that is neither a letter nor a digit separates words.  What may end a
sentence stays as a lone dot, what may separate its parts as a lone comma.

Marks are dropped where people leave them out: Latin, Greek and Cyrillic accents, Arabic and Hebrew
vowel points.  Marks that are letters stay, such as the vowel signs of Hindi and Thai.  Vietnamese
tones tell words apart (*dừng*: stop, *dùng*: use), so there is a reading that keeps Latin marks.
Blanks between Chinese and Japanese characters mean nothing and are taken out.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

import regex

from schemas.tsv import read_rows

MAX_CHARACTERS: Final = 2_000
"""Without the blanks around the text.  No phone sends more than 1,600 (Twilio's limit)."""

_COMMAS: Final = frozenset(",-–—()/、،")
_DOTS: Final = frozenset(".!?;:\n\r\u2028\u2029。؟؛۔।॥")
_GAP: Final = regex.compile(r" [^\p{L}\p{N}\p{M}]+|[^\p{L}\p{N}\p{M} ][^\p{L}\p{N}\p{M}]*")
"""What separates words, unless it is one blank."""
_DROP: Final = r"\p{Cf}\p{Me}\u0591-\u05C7\u06D6-\u06ED\u0640\u093C\u064B-\u065F\u0670\uFE00-\uFE0F"
"""What cannot be seen, Hebrew and Arabic vowel points, the Arabic stroke that draws a word out, and
the dot below of Hindi, which many leave out."""
_ASCII_GAP: Final = re.compile(r" [ .,]+|[.,][ .,]*")
"""The same in text of `_ascii`."""
_MARKS: Final = regex.compile(
    rf"(?V1)[[\p{{Script=Inherited}}--[\u3099\u309A]][{_DROP}]]+", regex.VERSION1
)
_ALL_BUT_LATIN_MARKS: Final = regex.compile(
    rf"(?V1)[[\p{{Script=Inherited}}--[\u3099\u309A\u0300-\u036F]][{_DROP}]]+", regex.VERSION1
)
"""U+3099 and U+309A are the voicing marks of Japanese."""
_LATIN_MARK: Final = regex.compile(r"[\u0300-\u036FđĐ]")
_MIXED: Final = regex.compile(r"[\p{L}\p{M}]+")
_LATIN: Final = regex.compile(r"\p{Latin}")
_NOT_LATIN: Final = regex.compile(r"[\p{Cyrillic}\p{Greek}]")
_SQUARED: Final = regex.compile(r"(?:[\U0001F170-\U0001F189]\uFE0F?){2,}")
_FLAGS: Final = regex.compile(r"[\U0001F1E6-\U0001F1FF](?:[\s\p{Cf}]*[\U0001F1E6-\U0001F1FF])+")
_BLANK_IN_CJK: Final = regex.compile(
    r"(?<=[\p{Han}\p{Hiragana}\p{Katakana}ー]) (?=[\p{Han}\p{Hiragana}\p{Katakana}ー])"
)
_CJK: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")

_APOSTROPHES: Final = "'`´‘’‛ʼʹ′＇"
_PICTURE_LETTERS: Final = "🅰🅱🅾🅿"
_PICTURES: Final = "™℠ℹⓂ㊗㊙" + _PICTURE_LETTERS
"""Emoji that NFKD would turn into letters or that count as such."""
_PICTURE_RANGES: Final = (range(0x1F18E, 0x1F19B), range(0x1F200, 0x1F266))
"""More of them: 🆗, 🆘, 🈲."""
_SPELLED_BY_FLAGS: Final = frozenset(
    (
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
        *("start", "unstop", "yes", "help", "info", "no"),
    )
)


def normalize(text: str, *, latin_marks: bool = False) -> str:
    """`"  Ｓtоp!! I said "no".  "` → `stop . i said no`

    With `latin_marks` these stay: `Dừng lại!` → `dừng lại`, else `dung lai`."""
    text = text.strip()[:MAX_CHARACTERS]
    if text.isascii():
        plain: str = _ASCII_GAP.sub(_gap, text.translate(_ascii()))
        return plain.strip(" .,")
    separated: str = _GAP.sub(_gap, fold_letters(text, latin_marks=latin_marks))
    if not separated.isascii() and _CJK.search(separated):
        separated = _BLANK_IN_CJK.sub("", separated)
    return separated.strip(" .,")


def readings_of(text: str) -> tuple[str, ...]:
    """The ways in which a text may be read as a word: as it is compared, with its Latin marks, and
    with letters of another script that all look Latin."""
    plain = normalize(text)
    if plain.isascii() and text.isascii():
        return (plain,)
    marked = normalize(text, latin_marks=True) if has_latin_marks(text) else plain
    return tuple(dict.fromkeys((plain, marked, fold_look_alikes(plain))))


def has_latin_marks(text: str) -> bool:
    return not text.isascii() and bool(_LATIN_MARK.search(unicodedata.normalize("NFKD", text)))


def fold_letters(text: str, *, latin_marks: bool = False) -> str:
    """The letters as we compare them; what is between them stays."""
    text = _SQUARED.sub(_squared, text)
    text = _FLAGS.sub(_flags, text)
    table = _same_script(latin_marks)
    decomposed = unicodedata.normalize("NFKD", text.translate(table)).translate(table)
    drop = _ALL_BUT_LATIN_MARKS if latin_marks else _MARKS
    visible: str = drop.sub("", decomposed)[:MAX_CHARACTERS]
    if not visible.isascii():
        if _NOT_LATIN.search(visible) and (_LATIN.search(visible) or _CJK.search(visible)):
            visible = _MIXED.sub(_one_script, visible)
        visible = unicodedata.normalize("NFC", visible)
    return visible.casefold()


def fold_look_alikes(text: str) -> str:
    """A word all of whose letters look Latin, in Latin: `ѕтор` → `stop`.  Otherwise as it is."""
    if text.isascii():
        return text
    latin = text.translate(_other_scripts())
    return latin if latin.isascii() else text


def strip_marks(text: str) -> str:
    """A normalized text without its dots and commas: `opt-out!` → `opt out`"""
    return text.replace(" .", "").replace(" ,", "")


@cache
def _ascii() -> dict[int, str | None]:
    """Plain text in small letters, with dots and commas for all that stands for one."""
    table: dict[int, str | None] = {}
    for character in map(chr, range(128)):
        if character in _APOSTROPHES:
            table[ord(character)] = None
        elif character.isalnum():
            table[ord(character)] = character.casefold()
        else:
            is_comma = character in _COMMAS
            table[ord(character)] = "." if character in _DOTS else "," if is_comma else " "
    return table


def _gap(gap: re.Match[str] | regex.Match[str]) -> str:
    if not _DOTS.isdisjoint(gap[0]):
        return " . "
    return " " if _COMMAS.isdisjoint(gap[0]) else " , "


def _one_script(word: regex.Match[str]) -> str:
    found: str = word[0]
    if not _NOT_LATIN.search(found):
        return found
    latin = found.translate(_other_scripts())
    if _LATIN.search(found):
        return latin
    # Chinese has no blanks around the T of 回T: letters that all look Latin are.
    return latin if _CJK.search(found) and not _NOT_LATIN.search(latin) else found


def _squared(run: regex.Match[str]) -> str:
    """🆂🆃🅾🅿 is a word; 🅾 and 🅿 alone are pictures."""
    letters = [character for character in run[0] if character != "\ufe0f"]
    if all(letter in _PICTURE_LETTERS for letter in letters):
        return " "
    return "".join(chr(ord(letter) - 0x1F170 + ord("a")) for letter in letters)


def _flags(run: regex.Match[str]) -> str:
    """🇸🇹🇴🇵 is a word; 🇺🇸 is a picture."""
    letters = [ord(character) - 0x1F1E6 for character in run[0]]
    word = "".join(chr(letter + ord("a")) for letter in letters if 0 <= letter < 26)
    return word if word in _SPELLED_BY_FLAGS else " "


@cache
def _same_script(latin_marks: bool) -> dict[int, str]:
    """What is folded in any word, by code point."""
    table = {
        ord(foreign): latin
        for foreign, latin, name in _look_alikes()
        if not name.startswith(("CYRILLIC", "GREEK"))
    }
    table |= dict.fromkeys(map(ord, _APOSTROPHES), "") | dict.fromkeys(map(ord, _PICTURES), " ")
    for pictures in _PICTURE_RANGES:
        table |= dict.fromkeys(pictures, " ")
    if latin_marks:
        del table[ord("đ")], table[ord("Đ")]
    return table


@cache
def _other_scripts() -> dict[int, str]:
    """What is folded only in a word that mixes scripts, by code point."""
    return {
        ord(foreign): latin
        for foreign, latin, name in _look_alikes()
        if name.startswith(("CYRILLIC", "GREEK"))
    }


@cache
def _look_alikes() -> tuple[tuple[str, str, str], ...]:
    rows = read_rows("schemas.keywords", "confusables.tsv")
    return tuple((foreign, latin, name) for foreign, latin, name in rows)
