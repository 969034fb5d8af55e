"""The tables of places, read once."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Final, NamedTuple

Zones = tuple[str, ...]
"""IANA names, sorted."""


class State(NamedTuple):
    """A state or territory of the US, or a province of Canada; `code` is what the mail writes."""

    country: str
    code: str
    name: str
    zones: Zones


class Place(NamedTuple):
    """Where somebody may be.  `zones`: all must be fit.  `country` and `state` are "" where they are not known;
    `state` is one of the US."""

    zones: Zones
    country: str
    state: str


def _rows(name: str) -> list[dict[str, str]]:
    lines = (files(__package__) / name).read_text("utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _zones(written: str) -> Zones:
    return tuple(sorted(written.split("|")))


STATES: Final = tuple(
    State(row["country"], row["code"], row["name"], _zones(row["zones"]))
    for row in _rows("states.csv")
)
AREAS: Final = {
    row["area_code"]: Place(_zones(row["zones"]), row["country"], row["state"])
    for row in _rows("area_codes.csv")
}

BEYOND_THE_DATE_LINE: Final = frozenset({"GU", "MP"})
"""Their working day is the mainland's night: no hour is fit for both.  Their numbers have area codes of their own."""

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
"""For somebody of whom nothing is known: fit from Puerto Rico to Samoa."""
