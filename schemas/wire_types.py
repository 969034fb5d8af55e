"""Derive what msgspec has to check of a field from what pydantic checks of it.

This covers only what msgspec can check in the same way.  Anything else raises TypeError when the
class is declared, so that no check is lost in silence.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from msgspec import Meta, Struct
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

_PLAIN: Final = frozenset({str, int, bool, date, type(None)})
RFC3339_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
"""`date-time` of RFC 3339, section 5.6, whose note allows a blank for the T."""
RFC3339_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def require_time(given: Any) -> Any:
    """Raises PydanticCustomError for what pydantic would guess at: digits, numbers, other forms."""
    is_clear = isinstance(given, str) and RFC3339_TIME.fullmatch(given) is not None
    if is_clear or isinstance(given, datetime):
        return given
    raise PydanticCustomError(
        "datetime_rfc3339",
        "Input should be a valid datetime with its offset, as in RFC 3339:"
        " 2026-12-01T09:00:00-05:00",
    )


def require_day(given: Any) -> Any:
    """Raises PydanticCustomError."""
    is_day = isinstance(given, date) and not isinstance(given, datetime)
    if is_day or (isinstance(given, str) and RFC3339_DAY.fullmatch(given) is not None):
        return given
    raise PydanticCustomError(
        "date_rfc3339", "Input should be a valid day, as in RFC 3339: 2026-12-01"
    )


def to_utc(moment: datetime) -> datetime:
    """Raises ValueError."""
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside of the years 1 to 9999 UTC") from None


def wire_type(hint: Any, checks: Iterable[Any] = ()) -> Any:
    """The type for msgspec.  `checks`: what pydantic checks of the field besides its type."""
    origin = get_origin(hint)
    parts = get_args(hint)
    known = tuple(checks)
    if origin is Annotated:
        return wire_type(parts[0], (*_flat(parts[1:]), *known))
    if hint is AwareDatetime and known == (BeforeValidator(require_time), AfterValidator(to_utc)):
        return Annotated[datetime, Meta(tz=True)]  # kept in UTC by the struct itself
    if hint is date and known == (BeforeValidator(require_day),):
        return date
    if known:
        return Annotated[hint, _meta(hint, known)]
    if origin in (Union, types.UnionType) and type(None) in parts and len(parts) == 2:
        return wire_type(next(part for part in parts if part is not type(None))) | None
    if origin is tuple and len(parts) == 2 and parts[1] is Ellipsis:
        return tuple[_given(parts[0]), ...]  # type: ignore[misc]
    if origin is dict and parts[0] is str:
        return dict[str, _given(parts[1])]  # type: ignore[misc]
    if (
        origin is Literal
        or hint in _PLAIN
        or (isinstance(hint, type) and issubclass(hint, Enum | Struct))
    ):
        return hint
    raise TypeError(
        f"a struct cannot check {hint}: leave the class to pydantic, or say in {__name__} how"
    )


def is_time(hint: Any) -> bool:
    """Whether a field holds a time, or may."""
    return hint is AwareDatetime or any(is_time(part) for part in get_args(hint))


def _given(hint: Any) -> Any:
    """The type of what stands in a tuple or dict.  None would be written there, unlike in a
    field."""
    if type(None) in get_args(hint) or is_time(hint):
        raise TypeError(f"a struct cannot hold many {hint}")
    return wire_type(hint)


def _flat(notes: Iterable[Any]) -> Iterable[Any]:
    for note in notes:
        yield from note.metadata if isinstance(note, FieldInfo) else (note,)


def _meta(hint: Any, checks: tuple[Any, ...]) -> Meta:
    match checks:
        case (StringConstraints(pattern=str() as pattern) as check,) if hint is str:
            if (
                check == StringConstraints(pattern=pattern)
                and pattern.startswith("^")
                and pattern.endswith("$")
            ):
                return Meta(pattern=pattern[:-1] + r"\Z")  # Python's `$` would let a line end pass
        case (Ge(ge=int() as lowest), Le(le=int() as highest)) if hint is int:
            return Meta(ge=lowest, le=highest)
    raise TypeError(f"a struct cannot check {hint} by {checks}")
