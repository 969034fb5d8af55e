"""Messages of the hot path as msgspec structs, derived from their pydantic class.

Theory of operation
-------------------
The pydantic class is the **contract**: we declare it, the catalog shows it, and its errors say
in words why a message was refused.  `@struct` replaces it by a struct with the same fields,
checks and JSON, at a fifth of the cost:

    @struct
    class Send(Message): ...

msgspec reads the JSON.  It is stricter than pydantic, so where it refuses something the contract
reads it again: the contract either accepts it, or raises the error that we show.

What we build in Python is checked by mypy only, like any dataclass.  Values from outside go
through `model_validate`.  `tests/properties/test_structs.py` holds struct and contract equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import repeat
from operator import attrgetter
from types import FunctionType
from typing import Any, ClassVar, Final, Self, TypeVar, cast

import msgspec
from pydantic import BaseModel
from pydantic_core import CoreSchema, PydanticUndefined, core_schema

from schemas.wire_types import is_time, to_utc, wire_type

M = TypeVar("M", bound=BaseModel)

encode: Final = msgspec.json.Encoder().encode
_set: Final = msgspec.structs.force_setattr
_long_fraction: Final = re.compile(rb"\.[0-9]{7}").search
"""msgspec rounds a time finer than a microsecond, pydantic cuts it off: the contract reads it."""
_offset_without_colon: Final = re.compile(rb":[0-9]{2}(?:\.[0-9]+)?[+-][0-9]{4}\"").search
"""msgspec takes an offset such as `+0200`: the contract refuses it."""
_escaped_time: Final = re.compile(rb"\\u00(?:2[0bBdDeE]|3[0-9])").search
"""A sign or digit of a time that is written as an escape: the contract reads it too."""


class MessageStruct(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """Offers what pydantic's classes offer.  `omit_defaults` leaves out only None (see
    `when_missing`)."""

    contract: ClassVar[type[BaseModel]]
    model_fields: ClassVar[Mapping[str, Any]]
    _parse: ClassVar[Callable[[bytes], Any]]

    @classmethod
    def of(cls, checked: BaseModel) -> Self:
        """From an instance of the contract."""
        return cls(**checked.__dict__)

    @classmethod
    def model_validate(cls, given: Any, **options: Any) -> Self:
        """Raises pydantic's ValidationError."""
        return (
            given if type(given) is cls else cls.of(cls.contract.model_validate(given, **options))
        )

    @classmethod
    def model_validate_json(cls, data: str | bytes) -> Self:
        """Raises pydantic's ValidationError."""
        if isinstance(data, str):
            try:
                data = data.encode()
            except UnicodeEncodeError:
                return cls.of(cls.contract.model_validate_json(data))
        found: Self = cls._parse(data)
        return found

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self.__struct_fields__)

    @classmethod
    def model_json_schema(cls, *given: Any, **options: Any) -> dict[str, Any]:
        return cls.contract.model_json_schema(*given, **options)

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """Like pydantic's, it does not look at the values, except that times are brought to UTC."""
        return msgspec.structs.replace(self, **(update or {}))

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return self._as_contract().model_dump(**options)

    def model_dump_json(self, **options: Any) -> str:
        if options == {"exclude_none": True}:
            return encode(self).decode()
        return self._as_contract().model_dump_json(**options)

    def _as_contract(self) -> BaseModel:
        values = {name: getattr(self, name) for name in self.model_fields}
        given = {name for name, field in self.model_fields.items() if field.default != values[name]}
        return self.contract.model_construct(given, **values)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: Callable[[Any], CoreSchema]
    ) -> CoreSchema:
        """Inside pydantic's classes it is checked and described as the contract, and kept as a
        struct."""
        inner = handler(cls.contract)
        checked = core_schema.no_info_after_validator_function(cls.of, inner)

        def accept(value: Any, check: Callable[[Any], Any]) -> Any:
            return value if type(value) is cls else check(value)

        return core_schema.json_or_python_schema(
            json_schema=checked,
            python_schema=core_schema.no_info_wrap_validator_function(accept, checked),
            serialization=core_schema.wrap_serializer_function_ser_schema(
                lambda value, write: write(value._as_contract()), schema=inner
            ),
        )


def struct(contract: type[M]) -> type[M]:
    """The class as a struct; type checkers still see the pydantic class.

    Raises TypeError for a check that a struct cannot make."""
    decorators = contract.__pydantic_decorators__
    if any(getattr(decorators, kind) for kind in decorators.__slots__):
        raise TypeError(
            f"{contract.__name__} has validators of its own, which a struct would not run"
        )
    fields = contract.model_fields
    namespace: dict[str, Any] = {
        name: part
        for name, part in contract.__dict__.items()
        if isinstance(part, FunctionType | property | classmethod | staticmethod)
        and not name.startswith("__")
    }
    if times := [name for name, field in fields.items() if is_time(field.annotation)]:
        namespace["__post_init__"] = _keeping_utc(times)
    made: Any = msgspec.defstruct(
        contract.__name__,
        [_field(name, field) for name, field in fields.items()],
        bases=(MessageStruct,),
        namespace={
            **namespace,
            "__doc__": contract.__dict__.get("__doc__"),
            "__qualname__": contract.__qualname__,
        },
        module=contract.__module__,
        kw_only=True,
    )
    made.contract = contract
    made.model_fields = fields
    made._parse = staticmethod(reader(made))
    return cast("type[M]", made)


def contract_of(kind: type[Any]) -> type[BaseModel]:
    """The pydantic class that says what a message is; most are it themselves."""
    found: type[BaseModel] = getattr(kind, "contract", kind)
    return found


def _field(name: str, field: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    hint = wire_type(field.annotation, field.metadata)
    if field.alias or field.default_factory or field.exclude:
        raise TypeError(
            f"{name}: a struct knows no alias, no factory and no field that is not written"
        )
    if field.default is PydanticUndefined:
        if type(None) in getattr(hint, "__args__", ()):
            raise TypeError(
                f"{name}: what may be None must be None by default, for that is how it is written"
            )
        return name, hint
    return name, hint, when_missing(field.default)


def when_missing(value: Any) -> Any:
    """None is left out where it is written, any other default is not: msgspec leaves out only
    what it sees to be one, and it does not look into a factory."""
    if value is None:
        return None
    return msgspec.field(
        default_factory=value.copy if isinstance(value, dict) else repeat(value).__next__
    )


def _keeping_utc(names: list[str]) -> Callable[[Any], None]:
    moments = attrgetter(
        *names, names[0]
    )  # one more, for with a single name it would not return a tuple

    def keep_utc(self: Any) -> None:
        for moment in moments(self):
            if moment is not None and moment.tzinfo is not UTC:
                break
        else:
            return
        for name in names:
            if (moment := getattr(self, name)) is not None:
                _set(self, name, _aware(moment))

    return keep_utc


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without an offset: nobody can say what it meant")
    return to_utc(moment)


def reader(kind: type[MessageStruct]) -> Callable[[bytes], Any]:
    decode = msgspec.json.Decoder(kind).decode
    check = kind.contract.__pydantic_validator__.validate_json

    def read(data: bytes) -> Any:
        try:
            if not (
                _long_fraction(data)
                or _offset_without_colon(data)
                or (b"\\" in data and _escaped_time(data))
            ):
                return decode(data)
        except (ValueError, TypeError, RecursionError):
            pass  # the contract decides
        return kind.of(check(data))

    return read
