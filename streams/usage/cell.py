"""A cell's sums, and what it has cost in each currency."""

from __future__ import annotations

from typing import Final, NamedTuple

from streams.usage.count import Counted, Sums
from streams.usage.state import CellRow

_LARGEST: Final = 2**53 - 1
"""What every JSON reader holds exactly: a price that is wrong by a million must not stop the counting."""
_COUNTS: Final = tuple(name for name in Sums._fields if name not in {"estimated", "cost"})


class Cost(NamedTuple):
    """In millionths of the currency."""

    currency: str | None
    estimated: int
    cost: int


class Change:
    """What a batch adds to a cell and takes from it, by currency; `None` is what has cost nothing."""

    __slots__ = ("_totals", "cell")

    def __init__(self, cell: CellRow) -> None:
        self.cell = cell
        self._totals: dict[str | None, list[int]] = {}

    def count(self, times: int, adds: Counted) -> None:
        """One message more (1) or less (-1)."""
        totals = self._totals.get(adds.currency)
        if totals is None:
            totals = self._totals[adds.currency] = [0] * (1 + len(Sums._fields))
        totals[0] += times
        for place, value in enumerate(adds.sums, 1):
            if value:
                totals[place] += times * value

    def applied(self) -> CellRow:
        """The cell as it is after the batch; the same object where nothing has changed."""
        cell = self.cell
        for currency, (messages, *sums) in self._totals.items():
            if messages or any(sums):
                cell = _add(cell, messages, Sums(*sums), currency)
        return cell


def _add(cell: CellRow, messages: int, sums: Sums, currency: str | None) -> CellRow:
    """A cell has one currency of its own, the first that it was counted in; any other goes `besides`."""
    own = cell.currency or currency
    changes: dict[str, object] = {
        name: getattr(cell, name) + getattr(sums, name) for name in _COUNTS
    }
    if currency in (None, own):
        changes |= {
            "currency": own,
            "estimated": cell.estimated + sums.estimated,
            "cost": cell.cost + sums.cost,
        }
    else:
        before = cell.besides.get(currency or "", (0, 0))
        changes["besides"] = cell.besides | {
            currency: (before[0] + sums.estimated, before[1] + sums.cost)
        }
    return cell.model_copy(update={"messages": cell.messages + messages, **changes})


def costs(cell: CellRow) -> list[Cost]:
    """By currency, whichever came first; at least one, though it be nothing."""
    own = Cost(cell.currency, cell.estimated, cell.cost)
    known = [own, *(Cost(currency, *sums) for currency, sums in cell.besides.items())]
    some = sorted(
        (one for one in known if one.estimated or one.cost), key=lambda one: one.currency or ""
    )
    return [
        Cost(one.currency, _written(one.estimated), _written(one.cost)) for one in some or [own]
    ]


def _written(micros: int) -> int:
    return max(-_LARGEST, min(micros, _LARGEST))
