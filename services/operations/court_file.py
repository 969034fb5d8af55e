"""Read a court's calendar from a CSV file, one event a line.  Each bad line is named with its
number and the reason; the good ones count anyway."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from schemas.base import Slug
from schemas.case_event import TITLE
from schemas.numbers import mask_text
from schemas.time_zones import hint_at_places, is_place
from schemas.wall_time import parse_wall_time
from services.operations.calendar_items import CalendarFile, CalendarItem, LeftOut
from services.operations.errors import InvalidRequest
from services.operations.table_file import Row, open_table, why_shortened

COLUMNS: Final = ("case", "reference", "event_id", "title", "type", "date", "time", "zone")
OPTIONAL: Final = ("location", "status")
CANCELED: Final = frozenset({"canceled", "cancelled", "vacated", "off calendar"})
"""Words in the column status by which an event is canceled; any other says that it stands."""
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_NOON: Final = 12
_SLUG: Final = TypeAdapter[str](Slug)


class _BadCourtCell(ValueError):
    """Why a line is left out."""


def read_court_file(path: Path, event_type: str | None) -> CalendarFile:
    """Columns: case or reference, title, date; and event_id, type, time, zone, location, status.

    `event_type`: of lines without a type.  Raises InvalidRequest."""
    with open_table(path) as table:
        if not {"case", "reference"} & {*table.columns}:
            raise InvalidRequest(
                f"{path}: its first line must name the columns, and neither `case` nor"
                " `reference` is among them"
            )
        if missing := [name for name in ("title", "date") if name not in table.columns]:
            raise InvalidRequest(f"{path}: there is no column `{missing[0]}`")
        items: list[CalendarItem] = []
        left_out: list[LeftOut] = []
        seen: dict[tuple[str | None, str], str] = {}
        for row in table.rows:
            place = f"line {row.line}"
            try:
                item = _read(place, _cells(table.columns, row), event_type)
                _require_new(item, seen)
            except _BadCourtCell as bad:
                left_out.append(LeftOut(place, mask_text(str(bad))))
            else:
                items.append(item)
    return CalendarFile(tuple(items), tuple(left_out))


def _cells(columns: list[str], row: Row) -> dict[str, str]:
    if row.problem:
        raise _BadCourtCell(row.problem)
    if len(row.cells) > len(columns):
        raise _BadCourtCell(
            f"it has {len(row.cells)} cells, and the first line names {len(columns)} columns"
        )
    cells = {name: cell for name, cell in zip(columns, row.cells, strict=False) if cell}
    for name, cell in cells.items():
        if len(cell) > TITLE:
            raise _BadCourtCell(f"{name} has {len(cell)} characters; {TITLE} is the most")
        if name in ("case", "reference", "event_id") and (why := why_shortened(cell)):
            raise _BadCourtCell(f"{name} {cell!r}: {why}")
    return cells


def _read(place: str, cells: Mapping[str, str], event_type: str | None) -> CalendarItem:
    case = cells.get("case") or cells.get("reference")
    if case is None:
        raise _BadCourtCell("it names no case")
    title = cells.get("title")
    if title is None:
        raise _BadCourtCell("title is empty")
    kind = cells.get("type") or event_type
    zone = cells.get("zone")
    if zone is not None and not is_place(zone):
        raise _BadCourtCell(
            f"zone {zone!r} is no place in the IANA database: {hint_at_places(zone)}"
        )
    return CalendarItem(
        place=place,
        event_id=_read_id(cells.get("event_id"), kind, title),
        title=title,
        starts_at=_read_start(cells),
        time_zone=zone,
        event_type=kind,
        location=cells.get("location"),
        canceled=cells.get("status", "").casefold() in CANCELED,
        case=case,
    )


def _read_start(cells: Mapping[str, str]) -> str:
    day = cells.get("date")
    if day is None:
        raise _BadCourtCell("date is empty")
    try:
        datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007 - a day has no zone
        parse_wall_time(day)
    except ValueError:
        raise _BadCourtCell(f"date {day!r}: write it as 2026-11-02") from None
    written = cells.get("time")
    return day if written is None else f"{day}T{_read_clock(written)}"


def _read_clock(written: str) -> str:
    """`09:00`, `9:00`, `9:00 AM`: two writings that cannot be taken for each other."""
    found = _CLOCK.fullmatch(written)
    if found is not None:
        hour, half = int(found[1]), (found[3] or "").lower()
        if half and 1 <= hour <= _NOON:
            hour = hour % _NOON + (_NOON if half == "p" else 0)
        elif half:
            hour = 99
        try:
            return time(hour, int(found[2])).strftime("%H:%M")
        except ValueError:
            pass
    raise _BadCourtCell(f"time {written!r}: write it as 09:00, or as 9:00 AM")


def _read_id(given: str | None, kind: str | None, title: str) -> str:
    """Without an id of the court's, an event is known by its type and title: so it may move."""
    if given is None:
        words = f"{(kind or '').casefold()}|{title.casefold()}"
        return f"court-{hashlib.sha256(words.encode()).hexdigest()[:12]}"
    try:
        return _SLUG.validate_python(given)
    except ValidationError:
        raise _BadCourtCell(
            f"event_id {given!r}: use letters, digits and . _ : @ - (128 at most, no blank)"
        ) from None


def _require_new(item: CalendarItem, seen: dict[tuple[str | None, str], str]) -> None:
    key = (item.case, item.event_id)
    if key in seen:
        raise _BadCourtCell(
            f"{item.title!r} of case {item.case} is on {seen[key]} already:"
            " give each an event_id of its own"
        )
    seen[key] = item.place
