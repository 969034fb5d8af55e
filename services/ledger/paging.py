"""Pages of long lists: a page is found by the last row of the page before, so that any depth is
equally quick, and rows that come or go in between move nothing.

A cursor is opaque to those who are given it. It holds the values that order the last row, and a
hash of the filter: with another filter it would point into another list."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from services.ledger.ledger import Ledger

T = TypeVar("T")

Values = tuple[int | str, ...]
"""By which a row stands in its list."""

MOST_ROWS: Final = 500
"""Of a page."""
COUNTED: Final = 1000
"""Rows that are counted where no tally is kept; beyond it a count is "1,000+"."""
_DIGEST: Final = 6
"""Bytes of the filter's hash."""
_LONGEST: Final = 2000
"""Characters of a cursor."""


class InvalidCursor(ValueError):
    """It was not given with this list and this filter: fetch the list from its beginning."""

    def __init__(self) -> None:
        super().__init__(
            "This page marker does not belong to this list: leave it out to start at the beginning"
        )


class Page(NamedTuple, Generic[T]):
    rows: tuple[T, ...]
    cursor: str | None = None
    """What to ask for the next page with. None: this was the last."""
    searched_ms: int | None = None
    """Only of a search that looked at so many rows that it stopped: back to when it has searched,
    in milliseconds since 1970. The next page goes on from there."""


class Count(NamedTuple):
    number: int
    is_capped: bool = False
    """There are more."""

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.is_capped else ''}"


def write_cursor(values: Values, *filters: Any) -> str:
    written = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    return urlsafe_b64encode(_digest(filters) + written).decode().rstrip("=")


def read_cursor(cursor: str, kinds: tuple[type, ...], *filters: Any) -> tuple[Any, ...]:
    """Raises InvalidCursor."""
    try:
        if len(cursor) > _LONGEST or not cursor.isascii():
            raise InvalidCursor
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = json.loads(raw[_DIGEST:])
    except (NoBase64, ValueError, RecursionError):
        raise InvalidCursor from None
    is_ours = (
        raw[:_DIGEST] == _digest(filters)
        and isinstance(values, list)
        and [type(value) for value in values] == list(kinds)
        and all(not isinstance(one, int) or -(1 << 63) <= one < 1 << 63 for one in values)
    )
    if not is_ours:
        raise InvalidCursor
    return tuple(values)


def _digest(filters: tuple[Any, ...]) -> bytes:
    written = json.dumps(filters, default=_plain, sort_keys=True)
    return hashlib.blake2b(written.encode(), digest_size=_DIGEST).digest()


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, frozenset | set) else str(value)


def limit_rows(wanted: int) -> int:
    return max(1, min(wanted, MOST_ROWS))


def count_rows(ledger: Ledger, select: str, values: Sequence[Any], most: int) -> Count:
    """Of a query, at most so many."""
    sql = f"SELECT count(*) AS n FROM ({select} LIMIT ?) x"
    count = int(ledger.rows(sql, *values, most + 1)[0]["n"])
    return Count(min(count, most), count > most)
