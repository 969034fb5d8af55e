"""The regular expressions of `patterns/` as trees, in as much as `pattern_words.py` asks.

They use letters, groups, classes, edges, looks around and bounded repetition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"(?P<look>\(\?<?[=!])|(?P<open>\(\?:)|(?P<close>\))|(?P<or>\|)|(?P<name><[A-Z_]+>)"
    r"|(?P<times>\?|\{(?P<least>\d+)(?:,(?P<most>\d+))?\})\??|(?P<edge>\\[bZ])"
    r"|(?P<start>\\A)|\\(?P<mark>[.])|(?P<opaque>\[[^\]]*\]|\\.|\.)"
    r"|(?P<letters>(?:[^\\\[\](){}<>|?.](?![?{]))+|.)",
    re.DOTALL,
)

_RANGES: Final = re.compile(r"\[\^|[-\\]")


@dataclass(frozen=True, eq=False)
class Letters:
    text: str


@dataclass(frozen=True, eq=False)
class Choice:
    """One of these, each a sequence, `least` to `most` times."""

    branches: Sequence[Sequence[Node]]
    least: int = 1
    most: int = 1


@dataclass(frozen=True, eq=False)
class Unknown:
    """Any characters."""

    least: int = 1


@dataclass(frozen=True, eq=False)
class Start:
    """The beginning of the text."""


Node = Letters | Choice | Unknown | Start
_NOTHING: Final = Choice(((),))


def parse_expression(expression: str, parts: Mapping[str, Choice]) -> Choice:
    """`parts` are the named expressions that this one may use."""
    tokens = list(_TOKEN.finditer(expression))
    choice, end = _parse_choice(tokens, 0, parts)
    if end != len(tokens):
        raise ValueError(f"A bracket too many in {expression!r}")
    return choice


def _parse_choice(
    tokens: list[re.Match[str]], at: int, parts: Mapping[str, Choice]
) -> tuple[Choice, int]:
    branches: list[list[Node]] = [[]]
    while at < len(tokens) and tokens[at]["close"] is None:
        token = tokens[at]
        at += 1
        if token["look"] or token["open"]:
            inner, at = _parse_choice(tokens, at, parts)
            at += 1  # The bracket that closes it.
            branches[-1].append(_NOTHING if token["look"] else inner)
        elif token["or"]:
            branches.append([])
        elif token["times"]:
            least = int(token["least"] or 0)
            branches[-1].append(_repeat(branches[-1].pop(), least, int(token["most"] or least)))
        else:
            branches[-1].append(_leaf(token, parts))
    return Choice(branches), at


def _leaf(token: re.Match[str], parts: Mapping[str, Choice]) -> Node:
    if token["name"]:
        return parts[token["name"]]
    if token["start"]:
        return Start()
    if token["edge"]:
        return _NOTHING
    if (opaque := token["opaque"]) is None:
        return Letters(token["mark"] or token["letters"])
    if opaque[0] == "[" and not _RANGES.search(opaque):
        return Choice([[Letters(one)] for one in opaque[1:-1]])
    return Unknown()


def _repeat(node: Node, least: int, most: int) -> Node:
    if isinstance(node, Unknown):
        return Unknown(least)
    return Choice(((node,),), least, max(1, most))
