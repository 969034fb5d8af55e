"""The language of templates: Liquid, cut down to fields, `if` and `unless`, and a few filters.

Nothing in it can loop, store or fetch, so a template costs no more than its length.  Values are put
in once and are never read as template: `{{x}}` in a name stays as it is.  A text is no web page, so
nothing is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, ClassVar, Final, NamedTuple

import phonenumbers
from liquid import Environment, StrictUndefined
from liquid.builtin import content, illegal, output
from liquid.builtin.tags import if_tag, unless_tag
from liquid.exceptions import LiquidError, LiquidInterrupt
from liquid.mode import Mode
from liquid.template import BoundTemplate
from liquid.undefined import Undefined, is_undefined

from streams.templates.field_values import Written
from streams.templates.moments import Moment, write_date, write_day, write_time, write_weekday

LONGEST_TEMPLATE: Final = 4000
"""Characters, as `schemas.recipe.Template` has it."""
LARGEST_OUTPUT: Final = 16_000
"""Bytes: ten times what a text can hold."""
_STOP: Final = "\ufdd0"
"""Before a full stop that follows a value; no letter, and in no text (Unicode, 23.7)."""
_AFTER_VALUE: Final = re.compile(r"(?<=[}%]\})\.(?!\.)")
ELLIPSIS: Final = "..."
"""In GSM 03.38, unlike the single character."""


class MissingValue(ValueError):
    """A text needs a value that nobody has given, so it must not go."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} has no value")
        self.field = field
        """Such as `person.first`."""


class Missing(Undefined):
    """A field without a value.  `if` takes it for false and `default` replaces it; whatever else
    is done with it stops the text."""

    def __str__(self) -> str:
        raise MissingValue(self.name)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) or other is None


def _require(value: Any) -> Any:
    if isinstance(value, Missing):
        raise MissingValue(value.name)
    return value


# --- filters


def _default(value: Any, instead: Any = "") -> Any:
    return instead if is_undefined(value) or value in ("", None) else value


def _upcase(value: Any) -> str:
    return str(_require(value)).upper()


def _truncate(value: Any, characters: Any = 40) -> str:
    """To so many characters, with dots where something was cut."""
    if not isinstance(characters, int):
        raise TypeError("write how many characters, such as 40")
    text, limit = str(_require(value)), max(characters, len(ELLIPSIS) + 1)
    if len(text) <= limit:
        return text
    return text[: limit - len(ELLIPSIS)].rstrip() + ELLIPSIS


def _phone(value: Any) -> str:
    """As people of its country write it; what is no number stays as it is."""
    text = str(_require(value))
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return text
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))


def _require_moment(value: Any) -> Moment:
    if isinstance(_require(value), Written):
        moment: Moment = value.moment
        return moment
    raise TypeError("this is for a day, such as event.date")


def _write(by: Callable[[Any, str, str], str]) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        moment = _require_moment(value)
        return by(moment.day, value.language, moment.zone)

    return write


def _time(value: Any) -> str:
    moment = _require_moment(value)
    if moment.at is None:
        raise MissingValue("event.time")
    return write_time(moment.at, value.language, moment.zone)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "default": _default,
    "date": _write(write_date),
    "day": _write(write_day),
    "weekday": _write(write_weekday),
    "time": _time,
    "truncate": _truncate,
    "upcase": _upcase,
    "phone": _phone,
}


# --- the environment


class _If(if_tag.IfTag):
    mode = Mode.STRICT


class _Unless(unless_tag.UnlessTag):
    mode = Mode.STRICT


class _Environment(Environment):
    block_nesting_limit: ClassVar[int] = 10
    loop_iteration_limit: ClassVar[int | None] = 1
    local_namespace_limit: ClassVar[int | None] = 0
    output_stream_limit: ClassVar[int | None] = LARGEST_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Only what is named here, and none of the dozens that Liquid comes with."""
        for tag in (content.Literal, output.Output, illegal.Illegal, _If, _Unless):
            self.add_tag(tag)
        for name, apply in FILTERS.items():
            self.add_filter(name, apply)


_ENVIRONMENT: Final = _Environment(undefined=StrictUndefined)


# --- parsed templates


class BrokenTemplate(ValueError):
    """The template itself is at fault, whatever is put into it."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.line = line
        """From 1."""


_ARITY: Final = re.compile(r"[\w.<>]+\(\) (?:takes|missing|got) .*")
"""Of Python, about the arguments of a filter."""


class Use(NamedTuple):
    """Something that a template names, and where."""

    name: str
    line: int


class Parsed(NamedTuple):
    template: BoundTemplate
    fields: tuple[Use, ...]
    filters: tuple[Use, ...]
    names: frozenset[str]
    """Of the fields."""


@lru_cache(maxsize=1 << 10)
def parse_template(text: str) -> Parsed:
    """Raises BrokenTemplate."""
    if len(text) > LONGEST_TEMPLATE:
        raise BrokenTemplate(f"it has {len(text)} characters; {LONGEST_TEMPLATE} is the most")
    try:
        template = _ENVIRONMENT.from_string(_AFTER_VALUE.sub(f"{_STOP}.", text))
        found = template.analyze(include_partials=False)
    except (LiquidError, LiquidInterrupt, RecursionError) as error:
        raise as_broken(error) from None
    fields = tuple(sorted(_uses(text, found.variables), key=lambda use: (use.line, use.name)))
    names = frozenset(use.name for use in fields)
    filters = tuple(
        Use(name, _line_of(text, span.index)) for name, at in found.filters.items() for span in at
    )
    return Parsed(template, fields, filters, names)


def end_sentences(written: str) -> str:
    """A value that ends in a full stop, such as `2:30 p.m.`, ends the sentence as well."""
    return written.replace(f".{_STOP}.", ".").replace(_STOP, "")


def _uses(text: str, variables: dict[str, list[Any]]) -> Iterator[Use]:
    for found in variables.values():
        for each in found:
            yield Use(str(each), _line_of(text, each.span.index))


def _line_of(text: str, index: int) -> int:
    return text.count("\n", 0, max(index, 0)) + 1


def as_broken(error: Exception) -> BrokenTemplate:
    """In one line, without the library's drawing of the place."""
    if isinstance(error, LiquidError):
        where = error.context()
        why = _ARITY.sub("it takes no such values", str(error.message))
        return BrokenTemplate(why, where[0] if where else None)
    return BrokenTemplate("it is nested too deeply")
