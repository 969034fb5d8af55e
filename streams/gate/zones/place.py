"""Where somebody may be, by the best that is known."""

from __future__ import annotations

from functools import lru_cache

from streams.gate.zones.named import known, state_named
from streams.gate.zones.of_number import from_number
from streams.gate.zones.tables import Place


def place(
    number: str, time_zones: tuple[str | None, ...], regions: tuple[str | None, ...]
) -> Place:
    """A zone that is given, else those of the state that is given, else those of the number; the state that is given,
    else the number's.  The first that makes sense counts: what the request says before what the number's row says."""
    digits = from_number(number)
    return _better(digits, time_zones, regions) if any(time_zones) or any(regions) else digits


@lru_cache(maxsize=1 << 13)
def _better(
    digits: Place, time_zones: tuple[str | None, ...], regions: tuple[str | None, ...]
) -> Place:
    zone = next((zone for zone in time_zones if zone and known(zone)), None)
    state = next((found for region in regions if region and (found := state_named(region))), None)
    if state is None:
        return digits._replace(zones=(zone,)) if zone else digits
    return Place(
        (zone,) if zone else state.zones, state.country, state.code if state.country == "US" else ""
    )
