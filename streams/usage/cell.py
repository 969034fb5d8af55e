"""A cell's sums, and what it has cost in each currency."""

from __future__ import annotations

from typing import Final, NamedTuple

from streams.usage.count import Counted
from streams.usage.rows import CellRow, Counts

_LARGEST: Final = 2**53 - 1
"""What every JSON reader holds exactly: a price that is wrong by a million must not stop the counting."""
_SUMS: Final = set(Counts.__struct_fields__) - {"estimated", "cost"}


class Cost(NamedTuple):
    """In millionths of the currency."""

    currency: str | None
    estimated: int
    cost: int


def with_counted(cell: CellRow, times: int, adds: Counted) -> CellRow:
    """One message more (1) or less (-1)."""
    counts, own = adds.counts, cell.currency or adds.currency
    changes: dict[str, object] = {name: getattr(cell, name) + times * getattr(counts, name) for name in _SUMS}
    estimated, cost = times * counts.estimated, times * counts.cost
    if adds.currency in (None, own):
        changes |= {"currency": own, "estimated": cell.estimated + estimated, "cost": cell.cost + cost}
    else:
        before = cell.besides.get(adds.currency or "", (0, 0))
        changes["besides"] = cell.besides | {adds.currency: (before[0] + estimated, before[1] + cost)}
    return cell.model_copy(update={"messages": cell.messages + times, **changes})


def costs(cell: CellRow) -> list[Cost]:
    """By currency, whichever came first; at least one, though it be nothing."""
    own = Cost(cell.currency, cell.estimated, cell.cost)
    known = [own, *(Cost(currency, *sums) for currency, sums in cell.besides.items())]
    some = sorted((one for one in known if one.estimated or one.cost), key=lambda one: one.currency or "")
    return [Cost(one.currency, _written(one.estimated), _written(one.cost)) for one in some or [own]]


def _written(micros: int) -> int:
    return max(-_LARGEST, min(micros, _LARGEST))
