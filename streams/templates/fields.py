"""What may stand in a template: a closed set of fields for each context.

`FIELDS` is the one list of them.  Checks, the guide and what is filled in are held to it.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.blank_text import is_blank


class PersonFields(NamedTuple):
    name: str = ""
    first: str | None = None
    language: str | None = None


class CaseFields(NamedTuple):
    title: str = ""
    reference: str | None = None
    type: str | None = None
    branch: str | None = None
    """Its name."""


class EventFields(NamedTuple):
    title: str
    starts_at: str
    """As written (`schemas.wall_time`)."""
    zone: str
    location: str | None = None


class TenantFields(NamedTuple):
    name: str
    contact: str = ""


class DateFields(NamedTuple):
    name: str
    date: date
    zone: str
    """Of the case."""


class Fields(NamedTuple):
    """What a text is made of, as it is when the text leaves."""

    now: datetime
    zones: tuple[str, ...]
    """Where the recipient may be.  Empty: where the event is."""
    person: PersonFields
    case: CaseFields
    tenant: TenantFields
    event: EventFields | None = None
    date: DateFields | None = None
    confirm: str | None = None
    """The word by which they confirm."""


class ContextKind(StrEnum):
    """What a text is about, and so what it may name."""

    EVENT = "event"
    DATE = "date"
    CASE = "case"
    """Neither an event nor a date: a task at a time of its own."""
    ANY = "any"
    """A template that no recipe names yet: it may become any of these."""


FIELDS: Final[dict[str, str]] = {
    "person.name": "the person's whole name, as it was written",
    "person.first": "how they are addressed; never guessed from the name",
    "person.language": "the code of their language, such as `es`",
    "case.title": "the title of the case",
    "case.reference": "the court's or the agency's number",
    "case.type": "the type of the case",
    "case.branch": "the branch that has the case",
    "event.title": "what the event is, such as `Hearing`",
    "event.date": "its date: November 2, 2026",
    "event.time": "its time on the clock of its place: 9:00 AM, or 9:00 AM Arizona time where the"
    " recipient's clock may differ",
    "event.day": "its day: Monday, November 2",
    "event.weekday": "its weekday: Monday",
    "event.relative_day": "today, tomorrow or Monday, as it is for the recipient; else the day",
    "event.location": "where it is",
    "event.clock_note": "whose clock it is, such as `Arizona time`; empty where the recipient's is"
    " the same. With it in the template, `event.time` leaves it out",
    "tenant.name": "the name of the firm",
    "tenant.contact": "whom to call",
    "date.name": "what the named date is, such as `filing`",
    "date.date": "that date: November 2, 2026",
    "date.day": "its day: Monday, November 2",
    "date.weekday": "its weekday: Monday",
    "date.relative_day": "today, tomorrow or Monday, as `event.relative_day`",
    "confirm.word": "the word to reply by, if the event's recipe has one",
}
"""Each field, and what it says."""

_ROOTS: Final = {
    ContextKind.EVENT: ("person", "case", "event", "tenant", "confirm"),
    ContextKind.DATE: ("person", "case", "date", "tenant"),
    ContextKind.CASE: ("person", "case", "tenant"),
    ContextKind.ANY: ("person", "case", "event", "date", "tenant", "confirm"),
}
_NO_VALUE: Final = frozenset({"null", "none", "undefined"})
"""What programs write where they have nothing."""


def fields_of(kind: ContextKind) -> tuple[str, ...]:
    return tuple(name for name in FIELDS if name.partition(".")[0] in _ROOTS[kind])


def is_missing(value: str | None) -> bool:
    """Nobody is called "", and nobody wants to be called null."""
    return value is None or is_blank(value) or value.strip().casefold() in _NO_VALUE
