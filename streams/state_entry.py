"""A processor's private memory of one thing, as a msgspec struct: we alone write it, so nobody has to be told in words
what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeVar, dataclass_transform

import msgspec
import msgspec.inspect

from schemas.structs import when_missing

R = TypeVar("R", bound="StateEntry")

dump: Final[Callable[[StateEntry], bytes]] = msgspec.json.Encoder().encode
"""The JSON of a row: what is None is left out."""


class StateEntryType(msgspec.StructMeta):
    """Declares a row: by keyword only, and what is missing is None or written out (see `when_missing`)."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any
    ) -> StateEntryType:
        fields = namespace.get("__annotations__", {}).keys() & namespace.keys()
        defaults = {field: when_missing(namespace[field]) for field in fields}
        return super().__new__(
            mcls, name, bases, {**namespace, **defaults}, **{"kw_only": True, **options}
        )


@dataclass_transform(kw_only_default=True, frozen_default=True)
class StateEntry(
    msgspec.Struct, metaclass=StateEntryType, frozen=True, omit_defaults=True, gc=False
):
    """Under 64 kB, and never a list that grows without bound.  Fields that a later version added are passed over."""

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        return msgspec.structs.replace(self, **update)


_decoders: dict[type[StateEntry], Callable[[bytes], Any]] = {}


def parse(model: type[R], data: bytes) -> R:
    """Raises msgspec's ValidationError."""
    decode = _decoders.get(model)
    if decode is None:
        decode = _decoders[model] = msgspec.json.Decoder(model).decode
    try:
        found: R = decode(data)
    except msgspec.ValidationError:
        return _without_what_is_unknown(model, data)
    return found


def _without_what_is_unknown(model: type[R], data: bytes) -> R:
    """A message inside of a row passes over no field that a later version added (`MessageStruct` leaves those to its
    contract), so they are taken out before."""
    known = _known(msgspec.inspect.type_info(model), msgspec.json.decode(data))
    return msgspec.convert(known, model, str_keys=True)


def _known(kind: msgspec.inspect.Type, value: Any) -> Any:
    match kind, value:
        case msgspec.inspect.StructType(fields=fields), dict():
            return {
                one.encode_name: _known(one.type, value[one.encode_name])
                for one in fields
                if one.encode_name in value
            }
        case msgspec.inspect.UnionType(types=kinds), _:
            for part in kinds:
                value = _known(part, value)
        case msgspec.inspect.VarTupleType(item_type=part), list():
            return [_known(part, one) for one in value]
        case msgspec.inspect.DictType(value_type=part), dict():
            return {name: _known(part, one) for name, one in value.items()}
    return value
