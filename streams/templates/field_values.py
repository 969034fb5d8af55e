"""The values of the fields that one template uses.

Only those are computed: writing a date costs more than the rest of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from schemas.wall_time import parse_wall_time
from streams.calendar.instants import instant_of
from streams.templates.fields import Fields, is_missing
from streams.templates.moments import (
    Moment,
    differs,
    name_clock,
    write_date,
    write_day,
    write_time,
)
from streams.templates.relative_days import Words, name_relative_day, name_weekday

CLOCK_NOTE: Final = "event.clock_note"


class Written(str):
    """A day or a time in words, which a filter can write in another way."""

    __slots__ = ("language", "moment")
    language: str
    moment: Moment

    @classmethod
    def of(cls, text: str, moment: Moment, language: str) -> Self:
        made = cls(text)
        made.moment = moment
        made.language = language
        return made


class Values(NamedTuple):
    by_field: dict[str, str | None]
    """None: missing."""
    true_until: datetime | None
    """When the first of them stops to be true."""


class _Speaker(NamedTuple):
    """Who is told, in which language, and when."""

    fields: Fields
    language: str
    names: frozenset[str]
    """The fields that the template uses."""
    zones: tuple[str, ...]


def compute_values(names: Iterable[str], fields: Fields, language: str) -> Values:
    """`names`: fields that the template uses, all of them known ones."""
    place = fields.event or fields.date
    zones = fields.zones or ((place.zone,) if place else ("UTC",))
    speaker = _Speaker(fields, language, frozenset(names), zones)
    found: dict[str, str | None] = {}
    ends: list[datetime] = []
    for name in speaker.names:
        if plain := _AS_WRITTEN.get(name):
            value = plain(fields)
            found[name] = None if is_missing(value) else value
            continue
        words, moment = _say(name, speaker)
        found[name] = words and moment and Written.of(words.text, moment, language)
        if words and words.true_until:
            ends.append(words.true_until)
    return Values(found, min(ends, default=None))


def _say(name: str, speaker: _Speaker) -> tuple[Words | None, Moment | None]:
    root, _, part = name.partition(".")
    moment = find_moment(root, speaker.fields)
    return (None, None) if moment is None else (_IN_WORDS[part](moment, speaker), moment)


def find_moment(root: str, fields: Fields) -> Moment | None:
    if root == "event" and fields.event:
        return _read_event(fields.event.starts_at, fields.event.zone)
    if root == "date" and fields.date:
        return Moment(fields.date.date, None, fields.date.zone)
    return None


@lru_cache(maxsize=1 << 12)
def _read_event(starts_at: str, zone: str) -> Moment:
    """The day is that of the clock at its place, also where the time was given as an instant."""
    at = instant_of(starts_at, zone)
    if (written := parse_wall_time(starts_at)).clock is None:
        return Moment(written.day, None, zone)
    return Moment(at.astimezone(ZoneInfo(zone)).date(), at, zone)


_AS_WRITTEN: Final[Mapping[str, Callable[[Fields], str | None]]] = {
    "person.name": lambda fields: fields.person.name,
    "person.first": lambda fields: fields.person.first,
    "person.language": lambda fields: fields.person.language,
    "case.title": lambda fields: fields.case.title,
    "case.reference": lambda fields: fields.case.reference,
    "case.type": lambda fields: fields.case.type,
    "case.branch": lambda fields: fields.case.branch,
    "event.title": lambda fields: fields.event and fields.event.title,
    "event.location": lambda fields: fields.event and fields.event.location,
    "tenant.name": lambda fields: fields.tenant.name,
    "tenant.contact": lambda fields: fields.tenant.contact,
    "date.name": lambda fields: fields.date and fields.date.name,
    "confirm.word": lambda fields: fields.confirm,
}


def _say_time(moment: Moment, speaker: _Speaker) -> Words | None:
    if moment.at is None:
        return None
    time = write_time(moment.at, speaker.language, moment.zone)
    note = "" if CLOCK_NOTE in speaker.names else _note_clock(moment, speaker)
    return Words(f"{time} {note}" if note else time)


def _note_clock(moment: Moment, speaker: _Speaker) -> str:
    if moment.at is None or not differs(moment.at, moment.zone, speaker.zones):
        return ""
    return name_clock(moment.zone, speaker.language, moment.day.year)


_IN_WORDS: Final[Mapping[str, Callable[[Moment, _Speaker], Words | None]]] = {
    "date": lambda moment, to: Words(write_date(moment.day, to.language, moment.zone)),
    "day": lambda moment, to: Words(write_day(moment.day, to.language, moment.zone)),
    "time": _say_time,
    "clock_note": lambda moment, to: Words(_note_clock(moment, to)),
    "weekday": lambda moment, to: name_weekday(moment, to.language, to.zones, to.fields.now),
    "relative_day": lambda moment, to: name_relative_day(
        moment, to.language, to.zones, to.fields.now
    ),
}
