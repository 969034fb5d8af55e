"""Messages and rows of values that have been looked at already.

To build one the usual way is to have every value checked, and every time brought to UTC, again, five times a decision.
What comes from outside goes the usual way, always; what a room puts together from what came in may go this one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, ParamSpec, TypeVar, cast

from pydantic import BaseModel

P = ParamSpec("P")
M = TypeVar("M", bound=BaseModel)

_MISSING: Final = object()
_new = object.__new__
_put_values = cast(Any, BaseModel.__dict__["__dict__"]).__set__
_put_given = cast(Any, BaseModel.__dict__["__pydantic_fields_set__"]).__set__
_put_extra = cast(Any, BaseModel.__dict__["__pydantic_extra__"]).__set__
_put_private = cast(Any, BaseModel.__dict__["__pydantic_private__"]).__set__


def made(model: Callable[P, M], *_: P.args, **values: P.kwargs) -> M:
    """As `model(**values)`, without a look at the values: each is of its type, and each time in UTC.  mypy sees that
    none is missing or misspelt."""
    one: M = _built(model, _blank(model) | values)
    return one


def but(message: M, **changes: Any) -> M:
    """As `message.model_copy(update=changes)`: the values are not looked at either way."""
    other: M = _built(type(message), message.__dict__ | changes)
    return other


@cache
def _blank(model: type[BaseModel]) -> dict[str, Any]:
    """Its fields in their order, as they are when nothing is given."""
    fields = model.model_fields.items()
    return {name: _MISSING if field.is_required() else field.get_default() for name, field in fields}


def _built(model: Any, values: dict[str, Any]) -> Any:
    one = _new(model)
    _put_values(one, values)
    _put_given(one, set())
    _put_extra(one, None)
    _put_private(one, None)
    return one
