"""Labelled texts: what people wrote, and what a person says that they meant.

A file has a heading, and a tab between each two columns.  `text` and a label must be there.  Known
headings: `text label source part` (with the language as the name of the file), the earlier `part
label source text`, and `language text class source`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple


class Label(StrEnum):
    """What a person says that a text means."""

    STOP = "stop"
    START = "start"
    YES = "yes"
    HELP = "help"
    REVOKE = "revoke"
    UNSURE = "unsure"
    """Reasonable people differ: a person should read it before anything else is sent."""
    NONE = "none"


class LabelledText(NamedTuple):
    text: str
    label: Label
    source: str = ""
    """Who wrote the text."""
    part: str = ""
    """`tune`: patterns and the model may learn from it.  `held_out`: nobody looked at it."""
    language: str = ""

    @property
    def is_held_out(self) -> bool:
        return HELD_OUT in self.part


class InvalidLabels(ValueError):
    """The file is none of labelled texts.  Its text says where and why."""


HELD_OUT: Final = "held_out"
UNKNOWN_LANGUAGE: Final = "?"
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{2,4})?")
"""A file's name that is taken for a language: `en`, `ceb`, `pt-BR`, `zh-Hant`."""

_SAME: Final = {"class": "label", "lang": "language"}
"""Other names of columns."""
_COLUMNS: Final = frozenset(LabelledText._fields)
_NOT_REVOKE: Final = "not_revoke"


def parse_labelled(lines: Iterable[str], file_stem: str = "") -> tuple[LabelledText, ...]:
    """Raises InvalidLabels.  A line end in a text is written `\\n`."""
    numbered = [(number, line.rstrip("\r\n")) for number, line in enumerate(lines, 1)]
    written = [(number, line) for number, line in numbered if line.strip()]
    if not written:
        raise InvalidLabels("line 1: the file is empty")
    number, heading = written[0]
    columns = _parse_heading(number, heading.removeprefix("\ufeff"))
    if len(written) == 1:
        raise InvalidLabels(f"line {number}: no text follows the heading")
    language = _language_of(file_stem)
    return tuple(_parse_line(number, line, columns, language) for number, line in written[1:])


def _parse_heading(number: int, line: str) -> list[str]:
    columns = [
        _SAME.get(name, name) for name in (cell.strip().lower() for cell in line.split("\t"))
    ]
    unknown = [name for name in columns if name not in _COLUMNS]
    if unknown:
        raise InvalidLabels(f"line {number}: there is no column {unknown[0][:40]!r}")
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise InvalidLabels(f"line {number}: the column {twice[0]!r} is there twice")
    for name in ("text", "label"):
        if name not in columns:
            raise InvalidLabels(f"line {number}: the column {name!r} is missing")
    return columns


def _parse_line(number: int, line: str, columns: list[str], language: str) -> LabelledText:
    cells = line.split("\t")
    if len(cells) != len(columns):
        raise InvalidLabels(
            f"line {number}: {len(cells)} columns, and {len(columns)} in the heading"
        )
    values = dict(zip(columns, cells, strict=True))
    return LabelledText(
        values["text"].replace("\\n", "\n"),
        _parse_label(number, values["label"].strip().lower()),
        values.get("source", ""),
        values.get("part", "").strip(),
        values.get("language", "").strip().lower() or language,
    )


def _parse_label(number: int, label: str) -> Label:
    try:
        return Label.NONE if label == _NOT_REVOKE else Label(label)
    except ValueError:
        raise InvalidLabels(f"line {number}: there is no label {label[:40]!r}") from None


def _language_of(file_stem: str) -> str:
    """`es.tsv` is Spanish; `labelled.tsv` is of any language."""
    return file_stem.lower() if _LANGUAGE.fullmatch(file_stem) else UNKNOWN_LANGUAGE
