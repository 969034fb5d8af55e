"""Zones and states as people and their systems write them."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from streams.gate.zones.tables import STATES, State

NO_PLACE: Final = frozenset(
    {"GMT", "GMT+0", "GMT-0", "GMT0", "Greenwich", "UCT", "UTC", "Universal", "Zulu"}
)
"""What systems fill in where they know nothing; Etc/ is the same.  Nobody lives there."""


@cache
def _places() -> frozenset[str]:
    """Walks the time zone database: once."""
    return frozenset(
        name for name in available_timezones() - NO_PLACE if not name.startswith("Etc/")
    )


def known(zone: str) -> bool:
    return zone in _places()


_BY_NAME: Final[dict[str, State]] = {
    written.casefold(): state
    for state in STATES
    for written in (state.code, f"{state.country}-{state.code}", state.name)
}


def state_named(region: str) -> State | None:
    """`CA`, `US-CA` (ISO 3166-2) or `California`, in any case."""
    return _BY_NAME.get(region.strip().casefold())
