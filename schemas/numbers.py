"""Phone numbers: their one identity whatever the writing, which keys and comparisons use, and how
they are hidden in logs and on screens."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import category, decimal
from urllib.parse import unquote

from schemas.number_writings import unify_writing

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A whole number in E.164: plus, country code, digits."""

_CLEAN: Final = re.compile(r"\+[0-9]{6,15}")
_SIGNS: Final = (
    r"[\s().\-/\u00a0\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""Blanks, brackets and dashes, and the invisible marks that come along when a number is copied
from an address book."""
_BETWEEN_DIGITS: Final = re.compile(f"{_SIGNS}+")

_WITH_PLUS: Final = rf"(?:[+\uff0b]|%2[Bb]){_SIGNS}*\d(?:{_SIGNS}*\d){{5,14}}(?!\d)"
_DIGITS_ALONE: Final = r"(?<!\w)(?<!\d@)(?<!@\d:)(?<!@\d\d:)(?<!@\d\d\d:)\d{9,15}\b"
"""Not inside an identifier, and not an offset as in `topic/3@1234567890` or
`topic@3:1234567890`."""
_AMERICAN: Final = r"\(?(?<!\w)\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}\b"
_IN_TEXT: Final = re.compile(f"{_WITH_PLUS}|{_DIGITS_ALONE}|{_AMERICAN}")


_NORTH_AMERICAN: Final = re.compile(r"\+1[2-9][0-9]{9}", re.ASCII)
"""Nearly all numbers, as nearly all are written: they need no second look."""

_SCHEME: Final = re.compile(
    r"\s*(?:whatsapp|rcs|sms|smsto|mms|mmsto|tel|callto|sips?)\s*:(?://)?", re.IGNORECASE
)
"""Twilio's channel prefixes, and the schemes of RFC 3966 (tel), RFC 5724 (sms), RFC 3261 (sip)."""
_PARAMETERS: Final = re.compile(r"(?:;[A-Za-z-]+=|[?@]).*", re.DOTALL)
"""Behind the number of a URI: `;ext=5`, `?body=...`, `@example.com`."""
_CONTEXT: Final = re.compile(r";phone-context=(\+[^;?]+)", re.IGNORECASE)
_EXTENSION: Final = re.compile(
    r"(?<=\d)[^\w+]*(?:[,;#~\uff03\uff1b\uff0c]|"
    r"(?:e?xt(?:n|ensi[o\u00f3]\u0301?n?|\.)?|xtn?|x|\uff58|int|anexo|ramal|poste|dw|"
    r"\u0434\u043e\u0431)(?![^\W\d_]))[^\d+]*\d{1,9}[^\d+]*\Z",
    re.IGNORECASE,
)
"""As libphonenumber knows them: `ext. 5`, `x5`, `#5`, `,5`, `;5`, `anexo 5`, `доб. 5`."""
_PLUSES: Final = dict.fromkeys(map(ord, "\uff0b\ufe62\u207a\u208a\u2795"), "+")
_IGNORED: Final = frozenset({"Zs", "Zl", "Zp", "Cf", "Cc", "Pd", "Ps", "Pe", "Mn", "Me"})
"""Blanks, dashes, brackets, and what shows nothing."""
_SEPARATORS: Final = "./_~\u00b7\u2212\u30fb\u30fc"
"""Not the signs that hide digits: what is masked is no number."""
_DIGITS: Final = re.compile(r"\+[0-9]{6,24}", re.ASCII)
_DIALED_ABROAD: Final = re.compile(r"\+(?:00|011)(?=[1-9])", re.ASCII)
"""No country code begins with a zero: this is a prefix for calls abroad that was left behind the
plus."""


def e164(written: str) -> str:
    """The one identity of a number: `tel:+52 1 55 1234-5678;ext=9` → `+525512345678`.

    Without a plus we can't know the country: such a text keeps its digits and loses its blanks and
    dashes, and whoever asks for a number refuses it with a reason."""
    return written if _NORTH_AMERICAN.fullmatch(written) else _unify(written)


@lru_cache(maxsize=1 << 14)
def _unify(written: str) -> str:
    if _DIGITS.fullmatch(written):
        plain = written
    else:
        plain = _read_digits(written) if len(written) <= _READ else ""
        if _DIGITS.fullmatch(plain) is None:
            return strip_signs(written)
    number = unify_writing(_DIALED_ABROAD.sub("+", plain))
    return number if len(number) <= _LONGEST else plain


_LONGEST: Final = len("+123456789012345")
_READ: Final = 128
"""Characters: what is longer is no number, and is not looked at in time that grows with it."""


def strip_signs(written: str) -> str:
    """The number as it was written, without blanks, dashes and brackets.

    Versions before knew a number by this alone, and the provider was called with it."""
    return written if _CLEAN.fullmatch(written) else _BETWEEN_DIGITS.sub("", written)


def _read_digits(written: str) -> str:
    """Plus and digits, if there is nothing else but what people put around them."""
    text = unquote(written) if "%" in written else written
    text = text.translate(_PLUSES)
    while scheme := _SCHEME.match(text):
        text = text[scheme.end() :]
    context = _CONTEXT.search(text)
    text = _PARAMETERS.sub("", _EXTENSION.sub("", _fold_digits(text)))
    if context is not None and "+" not in text:
        text = context[1] + text
    kept = "".join(sign for sign in text if not _is_ignored(sign))
    return "+" + kept.lstrip("+") if kept.startswith("+") else kept


def _fold_digits(text: str) -> str:
    """Digits of every script, as ASCII."""
    if text.isascii():
        return text
    return "".join(sign if (digit := decimal(sign, None)) is None else str(digit) for sign in text)


def _is_ignored(sign: str) -> bool:
    return sign in _SEPARATORS or category(sign) in _IGNORED


def is_same_number(one: str, other: str) -> bool:
    """Whether both are writings of one number."""
    return one == other or e164(one) == e164(other)


def is_former_writing(written: str) -> bool:
    """Whether a version before took it for a number of its own."""
    return strip_signs(written) != e164(written)


def mask_number(number: str) -> str:
    """`+14155550100` → `+141••••0100`: enough to recognise, too little to call. A shorter one
    shows its first sign."""
    if len(number) < 12:
        return number[:1] + "•" * (len(number) - 1)
    return number[:4] + "•" * (len(number) - 8) + number[-4:]


def mask_text(text: str) -> str:
    """Mask every phone number in a text: after a plus with any signs between the digits, without
    one from nine digits on, or as Americans write it."""
    return _IN_TEXT.sub(lambda found: mask_number(e164(found[0])), text)
