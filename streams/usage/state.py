"""A tenant's counts: one entry for each cell of the report, one for each message that stands in it.

Money is in millionths of a currency.  A cell has one currency of its own, the first that it was
counted in; the sums of any other are kept beside it (`besides`).
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

from streams.processing import StateEntry

MESSAGES: Final = "msg/"
CELLS: Final = "cell/"
MAX_NAME: Final = 128
"""Characters of anything that names a cell."""

_MAX_WRITTEN: Final = 2**53 - 1
"""What every JSON reader holds exactly.  A price that is wrong by a million must not stop the
counting."""


class Sums(NamedTuple):
    """Amounts to compute with; `Counts` is how they are stored."""

    segments: int = 0
    predicted: int = 0
    billed: int = 0
    estimated: int = 0
    cost: int = 0
    unpriced: int = 0


class Amounts(NamedTuple):
    """What one message adds to its cell."""

    sums: Sums
    currency: str | None
    """None for what costs nothing."""


class Counts(StateEntry):
    segments: int = 0
    """What counts: as billed where the provider has given a count, else as predicted."""
    predicted: int = 0
    billed: int = 0
    estimated: int = 0
    """The price of `predicted`."""
    cost: int = 0
    """The price of `segments`."""
    unpriced: int = 0
    """Segments without a price."""


class Cell(Counts):
    """Absolute counts of the messages that stand here now.  `branch` and `sender` are "" where
    there is none."""

    branch: str
    sender: str
    period: date
    kind: str
    state: str
    error_code: str | None = None
    messages: int = 0
    currency: str | None = None
    besides: dict[str, tuple[int, int]] = {}
    """`estimated` and `cost` in other currencies."""

    @property
    def name(self) -> str:
        return _cell_name(
            self.branch, self.sender, self.period, self.kind, self.state, self.error_code or ""
        )


@lru_cache(10_000)
def _cell_name(branch: str, sender: str, period: date, *parts: str) -> str:
    """Cached: each outcome needs the names of two or three cells, and there are few cells."""
    return CELLS + "/".join(
        quote(part, safe="") for part in (branch, sender, period.isoformat(), *parts)
    )


class CountedMessage(Counts):
    """What a message added to its cell, and by which version of its outcome."""

    version: int
    cell: str
    period: date
    currency: str | None = None
    """None: that of its cell, or it costs nothing."""


def message_name(message_id: str) -> str:
    return MESSAGES + message_id


class CellChange:
    """What a batch adds to a cell and takes off it, by currency (None for what costs nothing)."""

    __slots__ = ("_totals", "cell")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._totals: dict[str | None, list[int]] = {}

    def count(self, times: int, adds: Amounts) -> None:
        """One message more (1) or one less (-1)."""
        totals = self._totals.get(adds.currency)
        if totals is None:
            totals = self._totals[adds.currency] = [0] * (1 + len(Sums._fields))
        totals[0] += times
        for index, value in enumerate(adds.sums, 1):
            if value:
                totals[index] += times * value

    def apply(self) -> Cell:
        """The cell after the batch; the same object where nothing has changed."""
        cell = self.cell
        for currency, (messages, *sums) in self._totals.items():
            if messages or any(sums):
                cell = _add(cell, messages, Sums(*sums), currency)
        return cell


def _add(cell: Cell, messages: int, sums: Sums, currency: str | None) -> Cell:
    own = cell.currency or currency
    changes: dict[str, object] = {
        "messages": cell.messages + messages,
        "segments": cell.segments + sums.segments,
        "predicted": cell.predicted + sums.predicted,
        "billed": cell.billed + sums.billed,
        "unpriced": cell.unpriced + sums.unpriced,
    }
    if currency in (None, own):
        changes["currency"] = own
        changes["estimated"] = cell.estimated + sums.estimated
        changes["cost"] = cell.cost + sums.cost
    else:
        estimated, cost = cell.besides.get(currency or "", (0, 0))
        other = {currency: (estimated + sums.estimated, cost + sums.cost)}
        changes["besides"] = cell.besides | other
    return cell.model_copy(update=changes)


class Cost(NamedTuple):
    currency: str | None
    estimated: int
    cost: int


def list_costs(cell: Cell) -> list[Cost]:
    """Sorted by currency.  There is at least one, though it may be nothing."""
    own = Cost(cell.currency, cell.estimated, cell.cost)
    every = [own, *(Cost(currency, *sums) for currency, sums in cell.besides.items())]
    some = sorted(
        (one for one in every if one.estimated or one.cost), key=lambda one: one.currency or ""
    )
    return [Cost(one.currency, _clamp(one.estimated), _clamp(one.cost)) for one in some or [own]]


def _clamp(micros: int) -> int:
    return max(-_MAX_WRITTEN, min(micros, _MAX_WRITTEN))
