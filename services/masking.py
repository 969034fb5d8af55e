"""Mask phone numbers and texts in JSON values, for output that nobody asked to see in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.numbers import e164, mask_number, mask_text

_RECIPIENTS = {"to", "number", "To"}
"""Fields that hold a recipient's number, however it is written."""
_TEXTS = {"body", "text", "wording", "value", "Body"}
_OURS = {
    "sender",
    "to_address",
    "owner",
    "shared_by",
    "message_id",
    "event_id",
    "provider_id",
    "timestamp",
    "offset",
    "place",
    "origin",
}
"""Fields that hold no recipient's number, though some look like one."""


def mask(value: Any) -> Any:
    """A copy of a JSON value with recipients' numbers and all texts masked."""
    return mask_numbers(mask_texts(value))


def mask_texts(value: Any, field: str = "") -> Any:
    """A copy in which each text is replaced by its length."""
    return _each(
        value, field, lambda text, of: f"({len(text)} characters)" if of in _TEXTS else text
    )


def mask_numbers(value: Any, field: str = "") -> Any:
    """A copy in which recipients' numbers are masked, also inside texts."""
    return _each(value, field, _without_numbers)


def _without_numbers(text: str, field: str) -> str:
    if field in _RECIPIENTS:
        return mask_number(e164(text))
    return text if field in _OURS else mask_text(text)


def _each(value: Any, field: str, change: Callable[[str, str], str]) -> Any:
    """A copy in which `change` has replaced every string, given the name of its field."""
    match value:
        case dict():
            return {name: _each(inner, name, change) for name, inner in value.items()}
        case list() | tuple():
            return [_each(inner, field, change) for inner in value]
        case str():
            return change(value, field)
    return value
