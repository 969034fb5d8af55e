"""Where a recipient may be: every time zone that they may be in, for it has to be daytime in all of
them.

A number's digits are the last resort, for people take their numbers along when they move.  The
number metadata knows one zone of an area code; our table has them all.  Outside of North America
the metadata has them all itself: a mobile number of a wide country may be anywhere in it.

The tables are data: `data/area_codes.csv` and `data/states.csv`, each with its source.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException
from phonenumbers.timezone import time_zones_for_number

from schemas.time_zones import is_place

Zones = tuple[str, ...]
"""IANA names, sorted."""


class Location(NamedTuple):
    """`country` and `state` are empty if they are not known."""

    zones: Zones
    """It has to be the right hour in all of them."""
    country: str
    state: str
    """One of the US."""


class State(NamedTuple):
    """A state or territory of the US, or a province of Canada."""

    country: str
    code: str
    """As in postal addresses."""
    name: str
    zones: Zones


def locate(
    to: str, time_zones: tuple[str | None, ...], regions: tuple[str | None, ...]
) -> Location:
    """The first given zone or region that makes sense, else what the number's digits say.

    A zone counts before a state's zones; the given state counts before the number's."""
    by_number = locate_number(to)
    if any(time_zones) or any(regions):
        return _locate_given(by_number, time_zones, regions)
    return by_number


@lru_cache(maxsize=1 << 13)
def _locate_given(
    by_number: Location, time_zones: tuple[str | None, ...], regions: tuple[str | None, ...]
) -> Location:
    zone = next((zone for zone in time_zones if zone and is_place(zone)), None)
    state = next((found for region in regions if region and (found := find_state(region))), None)
    if state is None:
        return by_number._replace(zones=(zone,)) if zone else by_number
    zones = (zone,) if zone else state.zones
    return Location(zones, state.country, state.code if state.country == "US" else "")


def locate_number(to: str) -> Location:
    """`to` is in E.164."""
    return AREAS.get(to[2:5], NOWHERE) if to.startswith("+1") else _locate_abroad(to)


@lru_cache(maxsize=1 << 14)
def _locate_abroad(to: str) -> Location:
    try:
        parsed = phonenumbers.parse(to, None)
    except NumberParseException:
        return NOWHERE
    zones: Zones = tuple(sorted(filter(is_place, time_zones_for_number(parsed))))
    if not zones:
        return NOWHERE
    return Location(zones, phonenumbers.region_code_for_number(parsed) or "", "")


# --- names of states, as people and their systems write them


def find_state(region: str) -> State | None:
    """`CA`, `US-CA` (ISO 3166-2) or `California`, in any case."""
    return _STATES_BY_NAME.get(region.strip().casefold())


# --- the tables


def _read(name: str) -> list[dict[str, str]]:
    lines = files(__package__).joinpath("data", name).read_text("utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _parse_zones(written: str) -> Zones:
    return tuple(sorted(written.split("|")))


STATES: Final = tuple(
    State(row["country"], row["code"], row["name"], _parse_zones(row["zones"]))
    for row in _read("states.csv")
)
_STATES_BY_NAME: Final[dict[str, State]] = {
    written.casefold(): state
    for state in STATES
    for written in (state.code, f"{state.country}-{state.code}", state.name)
}
AREAS: Final = {
    row["area_code"]: Location(_parse_zones(row["zones"]), row["country"], row["state"])
    for row in _read("area_codes.csv")
}

BEYOND_THE_DATE_LINE: Final = frozenset({"GU", "MP"})
"""Their day is the mainland's night: no hour would be right for both.  Their numbers have area
codes of their own."""

ALL_OF_US: Final[Zones] = tuple(
    sorted(
        {
            zone
            for state in STATES
            if state.country == "US" and state.code not in BEYOND_THE_DATE_LINE
            for zone in state.zones
        }
    )
)
"""For somebody of whom nothing is known: from Puerto Rico to Samoa."""

NOWHERE: Final = Location(ALL_OF_US, "", "")
"""Of toll-free, personal and other numbers that belong to no place."""
