"""The time of an event as people write it: what a clock at its place shows.

It is kept as it was given, together with the place's zone.  The instant is computed when it is
needed, so that a change of the zone's rules moves the event with its clock."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator

_WALL: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_NO_SECONDS: Final = re.compile(r"(?<=T[0-9]{2}:[0-9]{2}):00")
EARLIEST_YEAR: Final = 1990
LATEST_YEAR: Final = 2200


class WrittenTime(NamedTuple):
    """A written time, taken apart."""

    day: date
    clock: time | None
    """None: the whole day."""
    instant: datetime | None
    """Where an offset was given: then it is an instant, whatever the zone says."""


@lru_cache(maxsize=1 << 12)
def parse_wall_time(written: str) -> WrittenTime:
    """Raises ValueError."""
    found = _WALL.fullmatch(written)
    if found is None:
        raise ValueError(
            f"{written[:40]!r} is no time: write 2026-11-02T09:00, the clock at the event's place,"
            " or 2026-11-02 for a whole day"
        )
    try:
        day = date.fromisoformat(found[1])
        clock = time.fromisoformat(found[2] + (found[3] or "")) if found[2] else None
        instant = datetime.fromisoformat(written.replace(" ", "T")) if found[4] else None
    except ValueError:
        raise ValueError(f"{written[:40]!r} is no time that there is") from None
    return WrittenTime(require_near_day(day), clock, instant)


def require_near_day(day: date) -> date:
    """Raises ValueError for a day that no event can be on."""
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise ValueError(f"{day} is not in the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    return day


def _check(written: str) -> str:
    parse_wall_time(written)
    return write_alike(written)


def write_alike(written: str) -> str:
    """One writing of one time: `2026-11-02 09:00:00` is `2026-11-02T09:00`.

    Texts about an event are named by its time.  In another writing it would be another time, and
    everybody would be reminded again."""
    alike = written.replace(" ", "T").replace("+00:00", "Z").replace("-00:00", "Z")
    return _NO_SECONDS.sub("", alike)


WallTime = Annotated[str, AfterValidator(_check)]
"""`2026-11-02T09:00` on the clock at its place, `2026-11-02` for a whole day, or an instant such as
`2026-11-02T09:00-05:00`."""
