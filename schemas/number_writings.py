"""One number, many writings: the rules that bring each of them to the one identity.

The rules are data (`number_writings.tsv`), each with its source.  They are ours and not a
library's, because the identity is the key of everything that is kept about a number: it must not
change with the release of a library.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from schemas.tsv import read_rows

_ROUNDS: Final = 4
"""A writing may break several rules at once (a trunk zero and an old mobile prefix)."""


class WritingRule(NamedTuple):
    country: str
    written: re.Pattern[str]
    """How people write it besides."""
    identity: str
    """The template of the one form."""
    known: re.Pattern[str] | None
    """The one form, where an older version texted another."""
    former: str
    """The template of that other form."""
    example: str
    example_identity: str
    source: str


@cache
def writing_rules() -> tuple[WritingRule, ...]:
    return tuple(map(_read_rule, read_rows("schemas", "number_writings.tsv")))


def _read_rule(cells: list[str]) -> WritingRule:
    country, written, identity, known, former, *rest = cells
    return WritingRule(
        country,
        re.compile(written, re.ASCII),
        identity,
        re.compile(known, re.ASCII) if known else None,
        former,
        *rest,
    )


@cache
def _rules_by_code() -> dict[str, tuple[WritingRule, ...]]:
    """By country code with its plus, which is how every expression begins."""
    found: dict[str, tuple[WritingRule, ...]] = {}
    for rule in writing_rules():
        code = _code_of(rule.example_identity)
        found[code] = (*found.get(code, ()), rule)
    return found


_CODES: Final = re.compile(
    r"\+(?:1|7|2(?:0|7)|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})"
)
"""A country code of one or two digits, or else three (ITU-T E.164, list of assigned codes)."""


def _code_of(number: str) -> str:
    found = _CODES.match(number)
    return found[0] if found else ""


def unify_writing(number: str) -> str:
    """The identity of a number: plus and digits in, plus and digits out."""
    rules = _rules_by_code().get(_code_of(number))
    if rules is None:
        return number
    for _ in range(_ROUNDS):
        for rule in rules:
            found = rule.written.fullmatch(number)
            if found is not None:
                number = found.expand(rule.identity)
                break
        else:
            return number
    return number


def former_writings(number: str) -> tuple[str, ...]:
    """Other writings of this identity that an older version texted, and kept its state under."""
    return tuple(
        found.expand(rule.former)
        for rule in _rules_by_code().get(_code_of(number), ())
        if rule.known is not None and (found := rule.known.fullmatch(number))
    )
