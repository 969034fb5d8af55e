"""Time zones that are places, and what people meant who wrote another.

Only a place has the rules of its clocks.  `EST` and `Etc/GMT+5` have no summer time, so a text that
may leave at 20:59 there would leave at 21:59 in New York.  Links of the IANA database that name a
place, such as `US/Eastern`, have the rules of that place.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from schemas.tsv import read_rows

_REGIONS: Final = frozenset(
    {
        *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe"),
        *("Indian", "Pacific", "US", "Canada", "Mexico", "Brazil", "Chile"),
    }
)
_COUNTRIES: Final = frozenset(
    {
        *("Cuba", "Egypt", "Eire", "GB", "GB-Eire", "Hongkong", "Iceland", "Iran", "Israel"),
        *("Jamaica", "Japan", "Kwajalein", "Libya", "NZ", "NZ-CHAT", "Navajo", "PRC", "Poland"),
        *("Portugal", "ROC", "ROK", "Singapore", "Turkey", "W-SU"),
    }
)
"""Places without a region before them (IANA tz `backward`)."""
_OFFSET: Final = re.compile(
    r"(Etc/)?(?:GMT|UTC|UCT)?([+-])0?([0-9]{1,2})(?::?(00|30|45))?", re.IGNORECASE
)
_SHOWN: Final = 3


@cache
def list_zones() -> frozenset[str]:
    """All names of the time zone database, places or not. Walks its files, once."""
    return frozenset(available_timezones())


@cache
def _places() -> frozenset[str]:
    return frozenset(
        name
        for name in list_zones()
        if name in _COUNTRIES or ("/" in name and name.partition("/")[0] in _REGIONS)
    )


def is_place(name: str) -> bool:
    """To the letter: `america/chicago` is none."""
    return name in _places()


def require_place(name: str) -> str:
    """Raises ValueError, with the places that it may have meant."""
    if is_place(name):
        return name
    raise ValueError(
        f"unknown time zone {name[:80]!r}, no place in the IANA database: {hint_at_places(name)}"
    )


def hint_at_places(name: str) -> str:
    near = suggest_places(name)
    if not near:
        return "use a name such as America/Chicago"
    return f"did you mean {', '.join(near[:-1]) + ' or ' if near[1:] else ''}{near[-1]}?"


def suggest_places(name: str) -> tuple[str, ...]:
    """The likeliest first; nothing where nothing is near."""
    short = _fold(name)
    if found := _meanings().get(_name_offset(name.strip()).casefold()) or _meanings().get(short):
        return found
    if found := _by_words().get(short):
        return found[:_SHOWN]
    folded = {_fold(place): place for place in sorted(_places())}
    return tuple(folded[one] for one in get_close_matches(short, folded, _SHOWN, 0.8))


def _fold(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().casefold()).replace(" /", "/").replace("/ ", "/")


def _name_offset(name: str) -> str:
    """`Etc/GMT+5` is five hours behind UTC (POSIX); `GMT-5`, `UTC-05:00` and `-0500` are too."""
    found = _OFFSET.fullmatch(name)
    if found is None:
        return name.removeprefix("Etc/")
    etc, sign, hours, minutes = found.groups()
    if etc:
        sign = "-" if sign == "+" else "+"
    sign = "+" if hours == "0" else sign
    return f"UTC{sign}{int(hours)}" + ("" if minutes in (None, "00") else f":{minutes}")


@cache
def _meanings() -> dict[str, tuple[str, ...]]:
    rows = read_rows("schemas", "time_zones.tsv")
    return {written.casefold(): tuple(places.split()) for written, places, _source in rows}


@cache
def _by_words() -> dict[str, tuple[str, ...]]:
    """By the whole name in any case, and by the town alone."""
    found: dict[str, tuple[str, ...]] = {}
    for place in sorted(_places()):
        for words in {_fold(place), _fold(place.rpartition("/")[2])}:
            found[words] = (*found.get(words, ()), place)
    return found
