"""An entry of a processor's state, as a msgspec struct.

Only we write entries, so a reader needs no explanation in words of what is wrong with one, as
pydantic would give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeVar, dataclass_transform

import msgspec
import msgspec.inspect

from schemas.structs import when_missing

R = TypeVar("R", bound="StateEntry")

dump: Final[Callable[[StateEntry], bytes]] = msgspec.json.Encoder().encode
"""The JSON of an entry: fields that are None are left out."""


class StateEntryType(msgspec.StructMeta):
    """Declares an entry: fields by keyword only, with defaults as the wire has them
    (`when_missing`)."""

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
    """Under 64 kB, and never a list that grows without bound.  Fields that a later version added
    are ignored."""

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
        return _parse_known_fields(model, data)
    return found


def _parse_known_fields(model: type[R], data: bytes) -> R:
    """Parse without the fields that a later version added.  An entry ignores them by itself, but a
    message inside an entry does not: `MessageStruct` leaves unknown fields to its contract."""
    known = _keep_known(msgspec.inspect.type_info(model), msgspec.json.decode(data))
    return msgspec.convert(known, model, str_keys=True)


def _keep_known(kind: msgspec.inspect.Type, value: Any) -> Any:
    match kind, value:
        case msgspec.inspect.StructType(fields=fields), dict():
            return {
                one.encode_name: _keep_known(one.type, value[one.encode_name])
                for one in fields
                if one.encode_name in value
            }
        case msgspec.inspect.UnionType(types=kinds), _:
            for part in kinds:
                value = _keep_known(part, value)
        case msgspec.inspect.VarTupleType(item_type=part), list():
            return [_keep_known(part, one) for one in value]
        case msgspec.inspect.DictType(value_type=part), dict():
            return {name: _keep_known(part, one) for name, one in value.items()}
    return value
