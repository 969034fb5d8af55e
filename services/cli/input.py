"""What people type, made into messages; what is wrong with it, in one sentence."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from schemas.base import Message
from schemas.numbers import e164
from services.cli.refused import Refused

M = TypeVar("M", bound=Message)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def message(shape: type[M], /, **fields: Any) -> M:
    """Raises Refused, naming the first field that is wrong."""
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = "--" + str(first["loc"][0]).removesuffix("_id").replace("_", "-")
        place = {"--message": "--message-id", "--event": "--event-id"}.get(place, place)
        raise Refused(f"{place} {first['input']!r} cannot be used: {_said(first)}") from None


def number(option: str, written: str) -> str:
    """In E.164.  Raises Refused."""
    clean = e164(written)
    if not _NUMBER.fullmatch(clean):
        raise Refused(
            f"{option} {written!r} is not a phone number with plus and country code, such as +12125550123"
        )
    return clean


def one_of(option: str, given: str | None, *names: Iterable[str]) -> None:
    """Raises Refused for what is given and is none of them."""
    known = dict.fromkeys(name for some in names for name in some)
    if given is not None and given not in known:
        raise Refused(f"{option} {given!r} is not known: use {', '.join(known)}")


def identity(prefix: str) -> str:
    """New, and in the order of time: `m-20261121-120000-7f3a9c`."""
    return f"{prefix}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _said(error: Any) -> str:
    if error["type"] == "string_pattern_mismatch":
        return "use letters, digits and . _ : @ - (128 at most, no blank, no slash)"
    return str(error["msg"])
