"""Numbers and texts are shown in part unless somebody asks for them."""

from __future__ import annotations

import re
from typing import Any

from schemas.numbers import masked

_NUMBER = re.compile(r"(?:\+|%2[Bb])?[0-9]{9,15}\b|\+[0-9]{6,15}\b")
_TEXTS = {"body", "text", "wording", "value", "Body"}
_OURS = {"sender", "to_address", "owner", "shared_by", "message_id", "event_id", "provider_id", "timestamp", "offset"}
"""Fields that hold no recipient's number, though some look like one."""


def mask(value: Any, field: str = "") -> Any:
    """A copy of a JSON value with recipients' numbers and texts hidden."""
    match value:
        case dict():
            return {name: mask(inner, name) for name, inner in value.items()}
        case list() | tuple():
            return [mask(inner, field) for inner in value]
        case str() if field in _TEXTS:
            return f"({len(value)} characters)"
        case str() if field not in _OURS:
            return mask_text(value)
    return value


def mask_text(text: str) -> str:
    """Every phone number in it masked."""
    return _NUMBER.sub(lambda found: masked(found[0]), text)
