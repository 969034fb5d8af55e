"""Messages of several types on one topic: `type` tells them apart."""

from __future__ import annotations

from typing import Any

from pydantic import Discriminator

UNKNOWN = "unknown"
"""The tag of the message that stands for the types of a newer version."""


def by_type(known: tuple[str, ...]) -> Discriminator:
    """Read any other type as `UNKNOWN`, so that a newer version's messages are no dead letters."""

    def tag(value: Any) -> str:
        kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return kind if isinstance(kind, str) and kind in known else UNKNOWN

    return Discriminator(tag)
