"""How long before or after a moment something is to happen, as people write it.

"3 days before" counts days on the calendar: the same clock time, three dates earlier.  "72 hours
before" counts elapsed hours.  The two differ by an hour where the clocks change in between."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, StringConstraints

_OFFSET: Final = re.compile(r"([0-9]{1,4}) (minute|hour|day|week)s? (before|after)")
_LOOSE: Final = re.compile(r"\s*([0-9]+)\s*([a-z]+)\.?\s*(before|after)?\s*", re.IGNORECASE)
_UNITS: Final = {"m": "minute", "min": "minute", "h": "hour", "hr": "hour", "d": "day", "w": "week"}
LONGEST_DAYS: Final = 3660
"""Ten years."""


class Unit(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def is_calendar(self) -> bool:
        """Counted in dates, not in elapsed time."""
        return self in (Unit.DAY, Unit.WEEK)


_DAYS: Final = {Unit.MINUTE: 1 / 1440, Unit.HOUR: 1 / 24, Unit.DAY: 1.0, Unit.WEEK: 7.0}


class Distance(NamedTuple):
    """An offset, taken apart."""

    amount: int
    """Negative: before."""
    unit: Unit


@lru_cache(maxsize=1 << 10)
def parse_offset(written: str) -> Distance:
    """Raises ValueError, with what it may have meant."""
    found = _OFFSET.fullmatch(written)
    if found is None:
        raise ValueError(
            f"{written[:40]!r} is no offset: write {_suggest(written)!r}"
            " (minutes, hours, days or weeks; before or after)"
        )
    unit = Unit(found[2])
    count = int(found[1])
    if count * _DAYS[unit] > LONGEST_DAYS:
        raise ValueError(f"{written!r} is more than ten years away")
    return Distance(-count if found[3] == "before" else count, unit)


def _suggest(written: str) -> str:
    found = _LOOSE.fullmatch(written)
    if found is None:
        return "3 days before"
    word = found[2].casefold()
    unit = _UNITS.get(word, word.removesuffix("s"))
    if unit not in tuple(Unit):
        return "3 days before"
    count = int(found[1][:4])
    return f"{count} {unit}{'' if count == 1 else 's'} {(found[3] or 'before').casefold()}"


def _check(written: str) -> str:
    parse_offset(written)
    return written


Offset = Annotated[str, StringConstraints(pattern=f"^{_OFFSET.pattern}$"), AfterValidator(_check)]
"""Such as `3 days before`, `72 hours before` or `1 day after`."""


def as_offset(written: Any) -> Any:
    """For a settings file: raises ValueError with a hint before the pattern is checked."""
    return _check(written) if isinstance(written, str) else written
