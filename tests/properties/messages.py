"""Any message at all: a Hypothesis strategy for each, from the types of its fields."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import available_timezones

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic.fields import FieldInfo

from schemas.base import Day, Message, Slug, UtcTime, Whole
from schemas.blank_text import is_blank
from schemas.case_event import CaseOpened, DateSet, EventCanceled, EventSaved, TaskTime
from schemas.consent import ConsentState, CurrentState
from schemas.consent_form import LANGUAGES as LANGUAGES_OF_FORMS
from schemas.consent_form import ConsentForm, Origin
from schemas.consent_request import PARTS, ConsentRequest
from schemas.keywords import LOCALES, OwnWords
from schemas.numbers import e164
from schemas.offsets import LONGEST_DAYS, Offset, Unit, parse_offset
from schemas.recipe import MailSettings, Recipe, Template
from schemas.send_request import Kind, Resolved
from schemas.sender import Sender, SenderAddress
from schemas.structs import MessageStruct, contract_of
from schemas.tenant_settings import Branch, Price, TenantSettings
from schemas.time_zones import is_place
from schemas.topics import Topic
from schemas.wall_time import EARLIEST_YEAR, LATEST_YEAR, WallTime
from schemas.when import Cap, ClockTime, KindName, QuietHours, When

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
"""Every character there is, NUL too; half ones cannot be written in UTF-8."""

SLUGS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}", fullmatch=True)
TIMES = st.datetimes(timezones=st.just(UTC))
WHOLES = st.integers(-(2**53) + 1, 2**53 - 1)
ZONES = st.sampled_from([name for name in sorted(available_timezones()) if is_place(name)])
SENDERS = st.from_regex(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9a-f]{32}", fullmatch=True).filter(
    lambda sender: not sender.startswith("+") or e164(sender) == sender
)
"""A number only in its canonical writing: no trunk zero, and none of the digits that move."""
NAMES = TEXTS.filter(bool)
SAYINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(
    lambda said: not is_blank(said)
)
OWN_WORDS = {
    meaning: st.from_regex(f"{meaning}[a-z]{{1,9}}[0-9]", fullmatch=True)
    for meaning in OwnWords.model_fields
}
"""By meaning, so that none has two."""
CLOCKS = st.times().map(lambda clock: f"{clock:%H:%M}") | st.just("24:00")
OFFSETS = st.builds(
    lambda count, unit, side: f"{count} {unit}{'' if count == 1 else 's'} {side}",
    st.integers(0, LONGEST_DAYS // 7),
    st.sampled_from(Unit),
    st.sampled_from(["before", "after"]),
)
DAYS = st.dates(date(EARLIEST_YEAR, 1, 1), date(LATEST_YEAR, 12, 31)).map(str)
WALL_TIMES = st.builds(
    lambda day, between, clock, offset: day + between + clock + offset,
    DAYS,
    st.sampled_from(["T", " "]),
    st.times().map(lambda clock: f"{clock:%H:%M}") | st.times().map(lambda c: f"{c:%H:%M:%S}"),
    st.sampled_from(["", "Z", "-05:00", "+12:45"]),
)
TITLES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
LANGUAGES = st.sampled_from(["en", "es", "pt-BR", "zh-Hant"])
LINKS = st.none() | st.just("https://office.example/threads/{number}?case={case}")

PLAIN: dict[Any, SearchStrategy[Any]] = {
    str: TEXTS,
    Slug: SLUGS,
    SenderAddress: SENDERS,
    Origin: st.sampled_from(["https://www.example.com", "http://localhost:8080"]),
    UtcTime: TIMES,
    Whole: WHOLES,
    CurrentState: st.sampled_from(ConsentState),
    bool: st.booleans(),
    Day: st.dates(),
    datetime: TIMES,
    type(None): st.none(),
    Offset: OFFSETS,
    WallTime: WALL_TIMES | DAYS,
    ClockTime: CLOCKS,
    KindName: st.sampled_from([*map(str, Kind)]),
    float | None: st.none() | st.floats(min_value=0, exclude_min=True, allow_infinity=False),
}

SIZES = ("min_length", "max_length")

NARROWER: dict[tuple[type[Message], str], SearchStrategy[Any]] = {
    (Sender, "sender"): SENDERS,
    (Resolved, "decided"): st.integers(0, 1_000_000),
    **{(ConsentRequest, part): SAYINGS for part in ("purpose", "frequency", "rates")},
    (ConsentRequest, "company"): st.none() | SAYINGS,
    (ConsentRequest, "answers"): SAYINGS.map(lambda said: f"{said} START STOP HELP"),
    (ConsentRequest, "wording"): st.permutations([f"{{{part}}}" for part in PARTS]).map(" ".join),
    (TenantSettings, "name"): SAYINGS,
    (TenantSettings, "sender"): SENDERS,
    (TenantSettings, "regions"): st.lists(st.sampled_from(["US", "CA", "MX"]), max_size=3).map(
        tuple
    ),
    (Branch, "sender"): st.none() | SENDERS,
    (TenantSettings, "time_zone"): ZONES,
    (TenantSettings, "asks_per_hour"): st.integers(1, 1_000_000),
    (TenantSettings, "locales"): st.lists(st.sampled_from(LOCALES), max_size=3).map(tuple),
    **{
        (OwnWords, meaning): st.lists(word, max_size=3).map(tuple)
        for meaning, word in OWN_WORDS.items()
    },
    (Price, "currency"): st.just("USD"),
    (Price, "country"): st.none() | st.sampled_from(["US", "CA"]),
    (Price, "micros"): st.integers(0, 10**9),
    (QuietHours, "before"): st.sampled_from(["00:00", "06:30", "08:00"]),
    (QuietHours, "after"): st.sampled_from(["17:00", "21:00", "24:00"]),
    (CaseOpened, "title"): TITLES,
    (EventSaved, "title"): TITLES,
    (ConsentForm, "wording"): SAYINGS.map(lambda said: f"{{company}} texts you {said}. Reply STOP"),
    (ConsentForm, "language"): st.sampled_from(LANGUAGES_OF_FORMS),
    (DateSet, "date"): st.none() | st.dates(date(1990, 1, 1), date(2200, 12, 31)),
    **{(kind, "time_zone"): st.none() | ZONES for kind in (CaseOpened, EventSaved, TaskTime)},
    **{(kind, "sequence"): st.integers(0, 2**31) for kind in (EventSaved, EventCanceled)},
    (Template, "texts"): st.dictionaries(LANGUAGES, TITLES, min_size=1, max_size=3),
    (Recipe, "offset"): OFFSETS,
    (Recipe, "margin_minutes"): st.integers(0, 10080),
    (MailSettings, "bundle_minutes"): st.integers(0, 1440),
    (MailSettings, "unanswered_hours"): st.none() | st.integers(1, 1000),
    (MailSettings, "link"): LINKS,
    (When, "caps"): st.dictionaries(st.sampled_from([*map(str, Kind)]), st.builds(Cap), max_size=2),
}
"""Fields that take less than their type says."""


@cache
def messages_on(topic: Topic[Any]) -> SearchStrategy[Any]:
    return st.one_of([messages(message) for message in topic.messages])


@cache
def messages(kind: type[Message]) -> SearchStrategy[Any]:
    if kind is Sender:
        return _senders()
    if kind is Recipe:
        return _recipes()
    return st.builds(kind, **_fields(kind))


def _fields(kind: type[Message]) -> dict[str, SearchStrategy[Any]]:
    hints = get_type_hints(contract_of(kind), include_extras=True)
    return {
        name: NARROWER[kind, name] if (kind, name) in NARROWER else values(hints[name])
        for name in kind.model_fields
    }


def _senders() -> SearchStrategy[Sender]:
    """Of one tenant, or shared by several."""
    fields = _fields(Sender)
    owned = st.builds(Sender, **{**fields, "owner": SLUGS, "shared_by": st.just(())})
    shared = st.builds(
        Sender,
        **{**fields, "owner": st.none(), "shared_by": st.lists(SLUGS, min_size=1).map(tuple)},
    )
    return owned | shared


def _recipes() -> SearchStrategy[Recipe]:
    """For an event, or for a named date, which has no hour."""
    fields = _fields(Recipe)
    by_days = OFFSETS.filter(lambda offset: parse_offset(offset).unit.is_calendar)
    for_event = {**fields, "event_type": TITLES, "date_name": st.none()}
    for_date = {**fields, "event_type": st.none(), "date_name": SLUGS, "offset": by_days}
    return st.builds(Recipe, **for_event) | st.builds(Recipe, **for_date)


def values(hint: Any) -> SearchStrategy[Any]:
    """Of a field's type.  Raises TypeError for one nobody has thought of yet."""
    if hint in PLAIN:
        return PLAIN[hint]
    if get_origin(hint) is Annotated:
        return _limited(get_args(hint)[0], get_args(hint)[1])
    made = MADE.get(get_origin(hint) or hint)
    if made:
        return made(*get_args(hint))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    if isinstance(hint, type) and issubclass(hint, Message | MessageStruct):
        return messages(hint)
    raise TypeError(f"say in {__name__} how to make a {hint}")


def _limited(hint: Any, limits: Any) -> SearchStrategy[Any]:
    """Of a type with a `Field` that limits its size, or says which words are known."""
    if not isinstance(limits, FieldInfo):
        raise TypeError(f"say in {__name__} how to make a {hint} with {limits}")
    if limits.examples:
        return TEXTS | st.sampled_from(limits.examples)
    sizes = {
        name: getattr(one, name) for one in limits.metadata for name in SIZES if hasattr(one, name)
    }
    if hint is int:
        ranges = {
            name: getattr(one, name)
            for one in limits.metadata
            for name in ("ge", "le")
            if hasattr(one, name)
        }
        return st.integers(ranges["ge"], ranges["le"])
    shortest = sizes.get("min_length", 0)
    if hint is str:
        characters = st.characters(exclude_categories=["Cs"])
        return st.text(characters, min_size=shortest, max_size=sizes["max_length"])
    part, _ = get_args(hint)
    return st.lists(values(part), min_size=shortest, max_size=4).map(tuple)


def _tuples(*parts: Any) -> SearchStrategy[Any]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return st.lists(values(parts[0]), max_size=4).map(tuple)
    return st.tuples(*(values(part) for part in parts))


def _either(*parts: Any) -> SearchStrategy[Any]:
    return st.one_of([values(part) for part in parts])


MADE: dict[Any, Callable[..., SearchStrategy[Any]]] = {
    tuple: _tuples,
    dict: lambda key, value: st.dictionaries(values(key), values(value), max_size=4),
    Literal: lambda *words: st.sampled_from(words),
    Union: _either,
    types.UnionType: _either,
}
