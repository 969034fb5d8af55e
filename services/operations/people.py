"""Import people from a CSV file, one number a line, and confirm numbers.

Each bad line is named with its number and the reason.  The good ones go in anyway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from schemas.base import Slug
from schemas.numbers import e164, mask_text
from schemas.person import NumberChange, NumberFact, NumberType, PersonAction, PersonEvent
from schemas.time_zones import hint_at_places, is_place
from schemas.topics import NUMBER_FACTS, PERSON_EVENTS
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.opt_out_words import is_opt_out
from services.operations.session import Session
from services.operations.table_file import (
    OnProgress,
    Row,
    Source,
    open_table,
    read_number_cell,
    why_shortened,
)
from services.operations.validation import build_message, new_id
from streams.gate.number_validation import PROBLEMS, validate_number
from streams.people.person_events import FIELDS
from streams.people.state import MAX_NUMBERS

OF_PERSON: Final = FIELDS
OF_NUMBER: Final = ("number", "type", "sms_enabled", "primary")
COLUMNS: Final = ("person_id", "tenant", *OF_PERSON, *OF_NUMBER)
BATCH: Final = 500
"""People that Kafka confirms at a time."""
LONGEST: Final = 200
"""Characters in one cell: a name, not a file."""

SWITCH: Final = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "on"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0", "off"), False),
}
_slug: Final = TypeAdapter[str](Slug)


class BadLine(NamedTuple):
    line: int
    column: str
    """Empty: it is the line as a whole."""
    why: str
    fix: str = ""
    """What to do."""

    @property
    def reason(self) -> str:
        return f"{self.why}: {self.fix}" if self.fix else self.why


class _BadCell(ValueError):
    """Why a line is left out."""

    def __init__(self, reason: str, column: str = "", fix: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
        self.fix = fix


@dataclass
class Entry:
    """One person as the file describes them.  `whole` is False if a line of theirs was left out."""

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


def read_people(path: Source, tenant: str | None) -> PeopleFile:
    """Raises InvalidRequest for no file, no text, or no header with `person_id`."""
    with open_table(path) as table:
        missing = {"person_id", *(() if tenant else ("tenant",))} - {*table.columns}
        if missing:
            needs = " and ".join(f"`{name}`" for name in sorted(missing))
            raise InvalidRequest(
                f"{path}: its first line must name the columns, and {needs} is not among them"
            )
        return _Reading(table.columns, tenant).read(table.rows)


def build_person_events(
    found: PeopleFile, replace: bool, now: datetime, by: str | None = None
) -> list[PersonEvent]:
    """One event a person.  `replace` removes what the file does not say of a person.

    Nothing is removed from a person with a bad line: it may be on that line."""
    batch = new_id("import")
    return [
        PersonEvent(
            event_id=f"{batch}-{n}",
            tenant=entry.tenant,
            person_id=entry.person_id,
            action=PersonAction.UPSERT if replace and entry.whole else PersonAction.UPDATE,
            numbers=tuple(number for _, number in entry.numbers.values()),
            by=by,
            at=now,
            **entry.fields,
        )
        for n, entry in enumerate(found.people, 1)
    ]


async def import_people(
    kafka: Session, events: Sequence[PersonEvent], on_progress: OnProgress
) -> None:
    """Publish the events.  Raises OperationError, saying how many were published.

    It is harmless to import the same file again."""
    await kafka.require_tenants(*dict.fromkeys(event.tenant for event in events))
    await kafka.require_topic(PERSON_EVENTS)
    for start in range(0, len(events), BATCH):
        try:
            await kafka.publish(PERSON_EVENTS, events[start : start + BATCH])
        except OperationFailed as error:
            raise OperationFailed(
                f"{error}; {start:,} of {len(events):,} people went in", "import the file again"
            ) from None
        on_progress(min(start + BATCH, len(events)))


class _Reading:
    """A half-read file: the people so far, and the lines that cannot be used."""

    def __init__(self, columns: list[str], tenant: str | None) -> None:
        self.columns = columns
        self.tenant = tenant
        self.people: dict[tuple[str, str], Entry] = {}
        self.bad: list[BadLine] = []

    def read(self, rows: Iterator[Row]) -> PeopleFile:
        count = 0
        for row in rows:
            count += 1
            try:
                self._take(row)
            except _BadCell as bad:
                self.bad.append(BadLine(row.line, bad.column, mask_text(bad.reason), bad.fix))
        unknown = tuple(name for name in self.columns if name and name not in COLUMNS)
        return PeopleFile(count, tuple(self.people.values()), tuple(self.bad), unknown)

    def _take(self, row: Row) -> None:
        if row.problem:
            raise _BadCell(row.problem)
        if len(row.cells) > len(self.columns):
            raise _BadCell(
                f"it has {len(row.cells)} cells,"
                f" and the first line names {len(self.columns)} columns"
            )
        cells = {name: cell for name, cell in zip(self.columns, row.cells, strict=False) if cell}
        entry = self._entry(row.line, cells)
        try:
            number = _read_number(cells)
            fields = _read_fields(cells, entry)
            if number is not None:
                _require_new(entry, number)
        except _BadCell:
            entry.whole = False
            raise
        self.people[entry.tenant, entry.person_id] = entry
        entry.fields |= fields
        if number is not None:
            entry.numbers[number.number] = (row.line, number)

    def _entry(self, line: int, cells: Mapping[str, str]) -> Entry:
        tenant = _read_slug(cells.get("tenant") or self.tenant, "tenant")
        if self.tenant and tenant != self.tenant:
            raise _BadCell(
                f"it is of tenant {tenant!r}, and --tenant says {self.tenant!r}", "tenant"
            )
        person_id = _read_slug(cells.get("person_id"), "person_id")
        return self.people.get((tenant, person_id)) or Entry(tenant, person_id, line)


def _read_slug(given: str | None, what: str) -> str:
    if not given:
        raise _BadCell(f"{what} is empty", what)
    try:
        return _slug.validate_python(given)
    except ValidationError:
        raise _BadCell(
            f"{what} {given[:LONGEST]!r}",
            what,
            "use letters, digits and . _ : @ - (128 at most, no blank)",
        ) from None


def _read_number(row: Mapping[str, str]) -> NumberChange | None:
    given = row.get("number")
    if given is None:
        return None
    if shortened := why_shortened(given):
        why, _, fix = shortened.partition(": ")
        raise _BadCell(f"number {given[:LONGEST]!r}: {why}", "number", fix)
    number = e164(read_number_cell(given))
    if problem := validate_number(number).problem:
        reason, next_step = PROBLEMS[problem]
        raise _BadCell(f"number {given[:LONGEST]!r}: {reason.lower()}", "number", next_step)
    kind = row.get("type", NumberType.MOBILE).lower()
    if kind not in {one.value for one in NumberType}:
        raise _BadCell(f"type {kind[:LONGEST]!r}", "type", f"use {', '.join(NumberType)}")
    return NumberChange(
        number=number,
        type=NumberType(kind) if "type" in row else None,
        sms_enabled=_read_switch(row, "sms_enabled"),
        primary=_read_switch(row, "primary"),
    )


def _read_switch(row: Mapping[str, str], name: str) -> bool | None:
    given = row.get(name)
    if name == "sms_enabled" and given is not None and is_opt_out(given):
        return False
    if given is not None and given.lower() not in SWITCH:
        raise _BadCell(f"{name} {given[:LONGEST]!r}", name, "say yes or no")
    return SWITCH[given.lower()] if given else None


def _read_fields(row: Mapping[str, str], entry: Entry) -> dict[str, str]:
    """What the line says of the person; it must not contradict an earlier line."""
    said = {name: row[name] for name in OF_PERSON if name in row}
    for name, value in said.items():
        if len(value) > LONGEST:
            raise _BadCell(f"{name} has {len(value)} characters; {LONGEST} is the most", name)
        if entry.fields.get(name, value) != value:
            raise _BadCell(
                f"{name} {value!r}: an earlier line of this person says {entry.fields[name]!r}",
                name,
            )
    zone = said.get("time_zone")
    if zone is not None and not is_place(zone):
        raise _BadCell(
            f"time_zone {zone!r} is not known as a place in the IANA database",
            "time_zone",
            hint_at_places(zone),
        )
    return said


def _require_new(entry: Entry, number: NumberChange) -> None:
    if number.number in entry.numbers:
        raise _BadCell(f"the number is on line {entry.numbers[number.number][0]} already", "number")
    if len(entry.numbers) == MAX_NUMBERS:
        raise _BadCell(f"a person has {MAX_NUMBERS} numbers at most", "number")


def build_confirmation(number: str, tenant: str, actor: str, now: datetime) -> NumberFact:
    """Confirm that a number can be texted: it is right, and not a landline.

    `actor` is who has made sure.  Raises InvalidRequest."""
    return build_message(
        NumberFact,
        tenant=tenant,
        number=number,
        doubtful=False,
        landline=False,
        suppressed=False,
        evidence={"actor": actor},
        at=now,
    )


async def confirm_number(kafka: Session, fact: NumberFact) -> None:
    """Publish the confirmation.  Raises OperationError."""
    await kafka.require_tenants(fact.tenant)
    await kafka.publish(NUMBER_FACTS, [fact])
