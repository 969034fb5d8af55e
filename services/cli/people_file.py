"""People from a CSV file, one line a number: every bad line with its number and reason, and the good ones anyway."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import available_timezones

from pydantic import TypeAdapter, ValidationError

from schemas.base import Slug
from schemas.numbers import e164
from schemas.person import NumberType
from schemas.person_event import NumberChange
from services.cli.masking import mask_text
from services.cli.refused import Refused
from streams.gate.dialable import PROBLEMS, dialable
from streams.people.state import MAX_NUMBERS

OF_PERSON: Final = ("name", "role", "time_zone", "postal_region", "email")
OF_NUMBER: Final = ("number", "type", "sms_enabled", "primary")
COLUMNS: Final = ("person_id", "tenant", *OF_PERSON, *OF_NUMBER)
LONGEST: Final = 200
"""Characters in one cell: a name, not a file."""

SWITCH: Final = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "on"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0", "off"), False),
}
_zones = cache(available_timezones)
_slug: Final = TypeAdapter[str](Slug)


class BadLine(NamedTuple):
    line: int
    reason: str


class Bad(ValueError):
    """Why a line is left out."""


@dataclass
class Entry:
    """One person as the file has them.  `whole`: no line of theirs was left out."""

    tenant: str
    person_id: str
    line: int
    fields: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, tuple[int, NumberChange]] = field(default_factory=dict)
    whole: bool = True


class PeopleFile(NamedTuple):
    lines: int
    people: tuple[Entry, ...]
    bad: tuple[BadLine, ...]
    unknown: tuple[str, ...]
    """Columns that mean nothing here."""


def read_people(path: Path, tenant: str | None) -> PeopleFile:
    """Raises Refused where there is nothing to read: no file, no text, no header with `person_id`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        ) from None
    lines = io.StringIO(text, newline="").readlines()
    names = next(csv.reader(lines[:1], delimiter=_between(lines)), [])
    header = [name.strip().lower().replace(" ", "_") for name in names]
    missing = {"person_id", *(() if tenant else ("tenant",))} - {*header}
    if missing:
        needs = " and ".join(f"`{name}`" for name in sorted(missing))
        raise Refused(
            f"{path}: its first line must name the columns, and {needs} is not among them"
        )
    return _Reading(header, tenant).through(lines)


def _between(lines: list[str]) -> str:
    first = lines[0] if lines else ""
    return max(",;\t", key=first.count)


class _Reading:
    def __init__(self, header: list[str], tenant: str | None) -> None:
        self.header, self.tenant = header, tenant
        self.people: dict[tuple[str, str], Entry] = {}
        self.bad: list[BadLine] = []

    def through(self, lines: list[str]) -> PeopleFile:
        count = 0
        for line, cells in _records(lines):
            count += 1
            try:
                self._take(line, cells)
            except Bad as bad:
                self.bad.append(BadLine(line, mask_text(str(bad))))
        unknown = tuple(name for name in self.header if name and name not in COLUMNS)
        return PeopleFile(count, tuple(self.people.values()), tuple(self.bad), unknown)

    def _take(self, line: int, cells: list[str] | str) -> None:
        if isinstance(cells, str):
            raise Bad(cells)
        if len(cells) > len(self.header):
            raise Bad(
                f"it has {len(cells)} cells, and the first line names {len(self.header)} columns"
            )
        row = {
            name: cell.strip()
            for name, cell in zip(self.header, cells, strict=False)
            if cell.strip()
        }
        entry = self._entry(line, row)
        try:
            number = _number(row)
            fields = _fields(row, entry)
            if number is not None:
                _new(entry, number)
        except Bad:
            entry.whole = False
            raise
        self.people[entry.tenant, entry.person_id] = entry
        entry.fields |= fields
        if number is not None:
            entry.numbers[number.number] = (line, number)

    def _entry(self, line: int, row: Mapping[str, str]) -> Entry:
        tenant = _identity(row.get("tenant") or self.tenant, "tenant")
        if self.tenant and tenant != self.tenant:
            raise Bad(f"it is of tenant {tenant!r}, and --tenant says {self.tenant!r}")
        person_id = _identity(row.get("person_id"), "person_id")
        return self.people.get((tenant, person_id)) or Entry(tenant, person_id, line)


def _records(lines: list[str]) -> Iterator[tuple[int, list[str] | str]]:
    """(line it begins on, cells or what is wrong), the header and empty lines aside."""
    reader = csv.reader(lines, delimiter=_between(lines))
    next(reader, None)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"it is not CSV: {error}"
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _identity(given: str | None, what: str) -> str:
    if not given:
        raise Bad(f"{what} is empty")
    try:
        return _slug.validate_python(given)
    except ValidationError:
        raise Bad(
            f"{what} {given[:LONGEST]!r}: use letters, digits and . _ : @ - (128 at most, no blank)"
        ) from None


def _number(row: Mapping[str, str]) -> NumberChange | None:
    given = row.get("number")
    if given is None:
        return None
    number = e164(given)
    if problem := dialable(number).problem:
        reason, next_step = PROBLEMS[problem]
        raise Bad(f"number {given[:LONGEST]!r}: {reason.lower()}: {next_step}")
    kind = row.get("type", NumberType.MOBILE).lower()
    if kind not in {one.value for one in NumberType}:
        raise Bad(f"type {kind[:LONGEST]!r}: use {', '.join(NumberType)}")
    return NumberChange(
        number=number,
        type=NumberType(kind) if "type" in row else None,
        sms_enabled=_switch(row, "sms_enabled"),
        primary=_switch(row, "primary"),
    )


def _switch(row: Mapping[str, str], name: str) -> bool | None:
    given = row.get(name)
    if given is not None and given.lower() not in SWITCH:
        raise Bad(f"{name} {given[:LONGEST]!r}: say yes or no")
    return SWITCH[given.lower()] if given else None


def _fields(row: Mapping[str, str], entry: Entry) -> dict[str, str]:
    """What the line says of the person; it must not contradict an earlier line."""
    said = {name: row[name] for name in OF_PERSON if name in row}
    for name, value in said.items():
        if len(value) > LONGEST:
            raise Bad(f"{name} has {len(value)} characters; {LONGEST} is the most")
        if entry.fields.get(name, value) != value:
            raise Bad(
                f"{name} {value!r}: an earlier line of this person says {entry.fields[name]!r}"
            )
    if said.get("time_zone", "UTC") not in _zones():
        raise Bad(
            f"time_zone {said['time_zone']!r} is not known: use an IANA name such as America/Chicago"
        )
    return said


def _new(entry: Entry, number: NumberChange) -> None:
    if number.number in entry.numbers:
        raise Bad(f"the number is on line {entry.numbers[number.number][0]} already")
    if len(entry.numbers) == MAX_NUMBERS:
        raise Bad(f"a person has {MAX_NUMBERS} numbers at most")
