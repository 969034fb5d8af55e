"""What a table of the ledger is, and the columns that several of them have.

Every row also has the record's partition (`part`), offset (`off`), time (`at_ms`) and value
(`json`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from schemas.numbers import e164
from schemas.topics import Topic

Get = Callable[[Any], Any]


@dataclass(frozen=True)
class Table:
    name: str
    topic: Topic[Any]
    columns: dict[str, Get]
    latest: Get | None = None
    """The identity of which only the latest version is kept. Without it every record is a row."""
    rank: Get | None = None
    """Which version is the latest: the one with the highest rank. By default the record's offset.
    """
    lookup: tuple[str, ...] = ()
    """Columns of an index."""
    sparse: tuple[str, ...] = ()
    """Columns of an index over the rows that have the first of them."""
    period: tuple[str, ...] = ()
    """Columns of an index for what is counted by the hour or listed by the day."""
    by_time: bool = False
    """Whether the records' times have an index, for lists of the newest."""
    also: tuple[tuple[str, ...], ...] = ()
    """Columns of more indexes, each over the rows that have its first column. An index is named
    after that."""
    whole: bool = False
    """Keep every record's value unchanged, however large: its hash is taken of all of it."""


def fold(text: str) -> str:
    """As words are compared in a search: case does not matter."""
    return text.casefold()


def later(*names: str) -> dict[str, Get]:
    """Columns that no record has: what writes the table fills them."""
    return {name: lambda _: None for name in names}


def plain(*names: str) -> dict[str, Get]:
    def field(name: str) -> Get:
        return lambda message: getattr(message, name, None)

    return {name: field(name) for name in names}


TOKENIZER: Final = "porter unicode61"
"""SQLite's, which tells what a word of a text is."""
OF_MESSAGE: Final = plain("tenant", "message_id")
OF_NUMBER: Final[dict[str, Get]] = plain("tenant") | {"number": lambda m: e164(m.number)}
BY_MESSAGE: Final = ("message_id", "tenant")
BY_NUMBER: Final = ("number", "tenant")
