"""Public holidays of the states of the US, and the days on which they are observed (PyPI `holidays`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from holidays import country_holidays


def is_holiday(day: date, states: Iterable[str]) -> bool:
    return any(day in _of(state, day.year) for state in states)


@lru_cache(maxsize=1 << 10)
def _of(state: str, year: int) -> frozenset[date]:
    return frozenset(country_holidays("US", subdiv=state, years=year))
