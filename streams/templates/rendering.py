"""Make a text from a template, when it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from liquid.exceptions import LiquidError
from liquid.undefined import Undefined

from streams.templates.field_values import compute_values
from streams.templates.fields import FIELDS, Fields
from streams.templates.grammar import (
    BrokenTemplate,
    Missing,
    MissingValue,
    Parsed,
    as_broken,
    end_sentences,
    parse_template,
)

__all__ = ["BrokenTemplate", "MissingValue", "Rendered", "render"]


class Rendered(NamedTuple):
    body: str
    true_until: datetime | None
    """From then on a word in it is false, such as "tomorrow"; None: it stays true."""


def render(template_text: str, fields: Fields, language: str) -> Rendered:
    """Raises MissingValue if a value is missing that the text needs, BrokenTemplate if the template
    is at fault.  Whether the text can be sent at all is for `why_unsendable` to say."""
    parsed = parse_template(template_text)
    if unknown := parsed.names - FIELDS.keys():
        raise BrokenTemplate(f"there is no field {min(unknown)}")
    values = compute_values(_names_in(parsed), fields, language)
    return Rendered(fill_in(parsed, values.by_field), values.true_until)


def fill_in(parsed: Parsed, by_field: Mapping[str, str | None]) -> str:
    """`by_field`: a value for each field that the template names; None: missing.

    Raises MissingValue or BrokenTemplate."""
    scope: dict[str, dict[str, object]] = {}
    for name, value in by_field.items():
        root, _, part = name.partition(".")
        scope.setdefault(root, {})[part] = _wrap(name, value)
    try:
        return end_sentences(parsed.template.render(scope)).strip()
    except (LiquidError, RecursionError) as error:
        raise as_broken(error) from None


def _names_in(parsed: Parsed) -> frozenset[str]:
    """With the weekdays that filters write: their truth ends as that of the fields does."""
    if all(use.name != "weekday" for use in parsed.filters):
        return parsed.names
    roots = {name.partition(".")[0] for name in parsed.names}
    return parsed.names | {f"{root}.weekday" for root in roots & {"event", "date"}}


def _wrap(name: str, value: str | None) -> object:
    if value is None:
        return Missing(name)
    return value or Undefined(name)  # empty words: nothing to write, and false for `if`
