"""A tenant's tallies: one row a cell of the report, one a message that stands in it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from streams.processing import StateEntry

MESSAGES: Final = "msg/"
CELLS: Final = "cell/"
LONGEST: Final = 128
"""Characters of anything that names a cell."""


class Counts(StateEntry):
    """`predicted` by us and `billed` as far as the provider has said; `segments` is what counts, the latter where it is
    known.  `estimated` and `cost` are what `predicted` and `segments` come to, in millionths of the currency;
    `unpriced` are segments for which there is no price."""

    segments: int = 0
    predicted: int = 0
    billed: int = 0
    estimated: int = 0
    cost: int = 0
    unpriced: int = 0


class CellRow(Counts):
    """Absolute counts of the messages that stand here now.  `branch` and `sender` are empty where there is none.
    `estimated` and `cost` are in `currency`; of any other, `besides` has both."""

    branch: str
    sender: str
    period: date
    kind: str
    state: str
    error_code: str | None = None
    messages: int = 0
    currency: str | None = None
    besides: dict[str, tuple[int, int]] = {}

    @property
    def name(self) -> str:
        return _named(
            self.branch, self.sender, self.period, self.kind, self.state, self.error_code or ""
        )


@lru_cache(10_000)
def _named(branch: str, sender: str, period: date, *parts: str) -> str:
    """Every outcome asks for the names of two cells or three, and there are few."""
    return CELLS + "/".join(
        quote(part, safe="") for part in (branch, sender, period.isoformat(), *parts)
    )


class CountedRow(Counts):
    """Where a message was counted last, and by which version of its outcome.  Without a currency it was in that of its
    cell, or cost nothing."""

    version: int
    cell: str
    period: date
    currency: str | None = None


def message_name(message_id: str) -> str:
    return MESSAGES + message_id
