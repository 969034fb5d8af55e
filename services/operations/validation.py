"""Turn what people type into messages.

An error is one sentence that names the command line's option for the wrong field."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from schemas.base import Message, Slug
from schemas.blank_text import is_blank
from schemas.numbers import E164, e164
from services.operations.errors import InvalidRequest
from streams.gate.number_validation import PROBLEMS, validate_number

M = TypeVar("M", bound=Message)
_SLUG: Final = TypeAdapter[str](Slug)
LONGEST_QUOTED: Final = 60
"""Characters of a wrong value that are shown."""


def build_message(shape: type[M], /, **fields: Any) -> M:
    """Raises InvalidRequest, naming the first field that is wrong."""
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "--" + str(first["loc"][0]).removesuffix("_id").replace("_", "-")
        option = {"--message": "--message-id", "--event": "--event-id"}.get(option, option)
        raise InvalidRequest(
            f"{option} {_shorten(first['input'])} cannot be used", _explain(first)
        ) from None


def _shorten(given: Any) -> str:
    """As it was typed; of a long one, its beginning."""
    if isinstance(given, str) and len(given) > LONGEST_QUOTED:
        given = given[: LONGEST_QUOTED - 3] + "..."
    return repr(given)


def _explain(error: Mapping[str, Any]) -> str:
    """What is wrong with a value, in words for those who typed it."""
    match error["type"]:
        case "string_pattern_mismatch":
            return "use letters, digits and . _ : @ - (128 at most, no blank, no slash)"
        case "string_too_short":
            return "it is empty"
        case "string_too_long":
            most = error["ctx"]["max_length"]
            return f"it has {len(error['input']):,} characters; {most:,} is the most"
        case "value_error":
            return str(error["ctx"]["error"])
    return str(error["msg"])


def require_shown(option: str, written: str) -> None:
    """Raises InvalidRequest for words that show nothing."""
    if is_blank(written):
        raise InvalidRequest(f"{option} {_shorten(written)} cannot be used", "it is empty")


def parse_number(option: str, written: str) -> str:
    """Return its one identity, to look up what is on record.  Raises InvalidRequest."""
    number = e164(written)
    if not E164.fullmatch(number):
        raise InvalidRequest(
            f"{option} {written!r} is not a phone number with plus and country code,"
            " such as +12125550123"
        )
    return number


def parse_recipient(option: str, written: str) -> str:
    """Return the identity of a number that can be texted.  Raises InvalidRequest for any other."""
    number = parse_number(option, written)
    if problem := validate_number(number).problem:
        reason, next_step = PROBLEMS[problem]
        raise InvalidRequest(f"{option} {written!r}: {reason.lower()}", next_step)
    return number


def parse_tenant(written: str) -> str:
    """Raises InvalidRequest for what cannot be the name of a tenant."""
    try:
        return _SLUG.validate_python(written)
    except ValidationError:
        raise InvalidRequest(
            f"--tenant {written!r} cannot be used",
            "use letters, digits and . _ : @ - (128 at most)",
        ) from None


def require_one_of(option: str, given: str | None, *names: Iterable[str]) -> None:
    """Raises InvalidRequest for a value that is none of these names."""
    known = dict.fromkeys(name for some in names for name in some)
    if given is not None and given not in known:
        raise InvalidRequest(f"{option} {given!r} is not known", f"use {', '.join(known)}")


def require_order(first: date | None, last: date | None, options: tuple[str, str]) -> None:
    """Raises InvalidRequest for a period that ends before it begins."""
    if first is not None and last is not None and last < first:
        raise InvalidRequest(
            f"{options[0]} {first} is after {options[1]} {last}", "no day is between them"
        )


def new_id(prefix: str) -> str:
    """A new id that sorts by time: `m-20261121-120000-7f3a9c`."""
    return f"{prefix}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
