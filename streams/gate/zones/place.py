"""Where somebody may be, by the best that is known."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from streams.gate.zones.named import known, state_named
from streams.gate.zones.of_number import area_of
from streams.gate.zones.tables import Area, Zones


class Place(NamedTuple):
    """`zones`: all must be fit.  `country` and `state` are "" where they are not known; `state` is one of the US."""

    zones: Zones
    country: str
    state: str


def place(number: str, time_zones: tuple[str | None, ...], regions: tuple[str | None, ...]) -> Place:
    """A zone that is given, else those of the state that is given, else those of the number; the state that is given,
    else the number's.  The first that makes sense counts: what the request says before what the number's row says."""
    return _best(area_of(number), time_zones, regions)


@lru_cache(maxsize=1 << 13)
def _best(area: Area, time_zones: tuple[str | None, ...], regions: tuple[str | None, ...]) -> Place:
    zone = next((zone for zone in time_zones if zone and known(zone)), None)
    state = next((found for region in regions if region and (found := state_named(region))), None)
    if state is None:
        return Place((zone,) if zone else area.zones, area.country, area.state)
    return Place((zone,) if zone else state.zones, state.country, state.code if state.country == "US" else "")
