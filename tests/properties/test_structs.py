"""A struct and its contract cannot be told apart: the same fields, the same JSON, the same
refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

import schemas.topics  # noqa: F401  declares every message
from schemas.structs import MessageStruct, encode
from tests.properties.messages import TEXTS, messages

STRUCTS = [
    kind for kind in MessageStruct.__subclasses__() if kind.__module__.startswith("schemas.")
]
each_struct = pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
some = settings(max_examples=25, deadline=None)
more = settings(max_examples=60, deadline=None)

TIMES = (
    "2026-03-02T15:04:05Z",
    "2026-03-02t15:04:05z",
    "2026-03-02 15:04:05Z",
    "2026-03-02_15:04:05Z",
    "2026-03-02T15:04Z",
    "2026-03-02T15:04:05",
    "2026-03-02T15:04:05+02:00",
    "2026-03-02T15:04:05+0200",
    "2026-03-02T15:04:05-00:00",
    "2026-03-02T15:04:05+02",
    "2026-03-02T15:04:05+24:00",
    "2026-03-02T15:04:05-23:59",
    "2026-03-02T15:04:05.1Z",
    "2026-03-02T15:04:05.1234567Z",
    "2026-12-31T23:59:59.9999999Z",
    "2026-03-02T15:04:05.123456789+01:30",
    "2026-03-02T15:04:05,5Z",
    "2026-03-02T15:04:05.Z",
    "2026-03-02T24:00:00Z",
    "2026-12-31T23:59:60Z",
    "2026-02-29T00:00:00Z",
    "2026-03-02",
    "20260302T150405Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "+2026-03-02T15:04:05Z",
    "1772463845",
    "2026-03-02T15:04:05 Z",
    " 2026-03-02T15:04:05Z",
    "2026-03-02T15:04:05Z\n",
    "20271201",
    "2026-03-02T15:04:05.5-0500",
    "2026-03-02 15:04:05.5+05:00",
    "2026-W10-1T15:04:05Z",
    "2026-061T15:04:05Z",
)
NUMBERS = (
    0,
    1,
    -1,
    5.0,
    5.5,
    -0.0,
    1e3,
    1e400,
    2**53 - 1,
    2**53,
    -(2**53) + 1,
    -(2**53),
    2**63,
    2**64,
    10**40,
    1_000_000,
    1_000_001,
    1772463845,
    1772463845.5,
    float("nan"),
    float("inf"),
)
WORDS = (
    "",
    "5",
    " 5",
    "5.0",
    "true",
    "yes",
    "off",
    "null",
    "a\n",
    "a" * 128,
    "a" * 129,
    "-a",
    "a/b",
    "a b",
    "\x00",
    "é",
    "send",
    "SEND",
    "mobile",
    "reply",
    "unknown",
    "queued",
    "2026-03-02T00:00:00",
    "\ud800",
    "😀",
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(NUMBERS)
    | st.sampled_from(WORDS)
    | st.sampled_from(TIMES)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
PIECES = (
    b"\xff",
    b"\xed\xa0\xbd",
    b"\xc0\x80",
    b"\x01",
    b"\x7f",
    b"\\ud83d",
    b"\\ud83d\\ude00",
    b"\\u0031",
    b"\\u002e",
    b"\\u002E",
    b"\\n",
    b"\\",
    b'"',
    b"1",
    b"0",
    b".1234567",
    b"+02:00",
    b"e5",
    b"NaN",
    b"null",
    b"true",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b" ",
    b"\n",
    b"\t",
    b'"x":1,',
    b'"tenant":"a",',
    b"/*",
    b"\xef\xbb\xbf",
)


def said(read: Callable[[bytes], Any], value: bytes) -> tuple[str, Any]:
    """What was read, as it is written again, or every error with its place."""
    try:
        found = read(value)
    except ValidationError as error:
        return "refused", error.errors(include_url=False, include_context=False)
    return repr(found), encode(found)


def alike(kind: type[MessageStruct], value: bytes) -> None:
    mine = said(kind.model_validate_json, value)
    theirs = said(lambda data: kind.of(kind.contract.model_validate_json(data)), value)
    assert repr(mine) == repr(theirs)  # by repr, for an input of NaN is not equal to itself


@each_struct
@some
@given(data=st.data())
def test_what_is_valid_is_read_and_written_alike(kind: Any, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    value = encode(message)
    checked = kind.contract.model_validate_json(value)
    assert msgspec.json.decode(value, type=kind) == message == kind.of(checked)
    assert value == checked.model_dump_json(exclude_none=True).encode()
    assert message.model_dump_json() == checked.model_dump_json()
    assert message.model_dump() == checked.model_dump()
    assert dict(message) == dict(checked)
    assert kind.model_validate(message.model_dump(mode="json")) == message


@each_struct
@more
@given(data=st.data())
def test_one_odd_value_is_read_or_refused_alike(kind: Any, data: st.DataObject) -> None:
    """At any depth: it takes a field's place, stands beside the fields, or one is missing."""
    document = json.loads(encode(data.draw(messages(kind))))
    spoiled = data.draw(st.sampled_from(_inside(document)))
    if spoiled and data.draw(st.booleans()):
        spoiled.pop(data.draw(st.sampled_from(sorted(spoiled))))
    else:
        spoiled[data.draw(st.sampled_from([*sorted(spoiled), *kind.model_fields, "added"]))] = (
            data.draw(VALUES)
        )
    alike(kind, json.dumps(document).encode())


@each_struct
@more
@given(
    data=st.data(),
    piece=st.sampled_from(PIECES) | st.binary(min_size=1, max_size=2),
    instead=st.integers(0, 3),
)
def test_odd_bytes_are_read_or_refused_alike(
    kind: Any, data: st.DataObject, piece: bytes, instead: int
) -> None:
    value = encode(data.draw(messages(kind)))
    at = data.draw(st.integers(0, len(value)))
    alike(kind, value[:at] + piece + value[at + instead :])


@each_struct
@pytest.mark.parametrize("written", TIMES)
def test_a_time_is_read_or_refused_alike(kind: Any, written: str) -> None:
    """Also in the escapes that JSON allows."""
    document = LEAST[kind]
    for name, value in document.items():
        if isinstance(value, str) and value.startswith("2026-"):
            alike(kind, json.dumps({**document, name: written}).encode())
            escaped = "".join(f"\\u{ord(sign):04x}" for sign in written)
            alike(kind, json.dumps({**document, name: "?"}).replace('"?"', f'"{escaped}"').encode())


@given(st.characters(codec="utf-8"))
@example("\u2028")
@example("\x7f")
def test_every_character_is_written_alike(sign: str) -> None:
    from schemas.base import Evidence

    said = Evidence(text=sign)
    assert encode(said).decode() == said.model_dump_json(exclude_none=True)
    assert encode(said) == said._as_contract().model_dump_json(exclude_none=True).encode()


@each_struct
def test_it_has_the_same_fields(kind: Any) -> None:
    contract = kind.contract.model_fields
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    assert list(fields) == list(contract) == list(kind.__struct_fields__)
    for name, field in fields.items():
        default = contract[name].get_default()
        assert field.required is contract[name].is_required(), name
        if not field.required:
            mine = (
                field.default
                if field.default_factory is msgspec.NODEFAULT
                else field.default_factory()
            )
            assert (type(mine), mine) == (type(default), default), name
            assert (field.default is None) is (default is None), (
                f"{name}: only None is left out where it is written"
            )
        else:
            assert default is PydanticUndefined
    assert (kind.__doc__, kind.__name__, kind.__module__) == (
        kind.contract.__doc__,
        kind.contract.__name__,
        kind.contract.__module__,
    )


def _inside(document: Any) -> list[Any]:
    """Every object in it, itself first."""
    if isinstance(document, list):
        return [found for one in document for found in _inside(one)]
    if not isinstance(document, dict):
        return []
    return [document, *(found for one in document.values() for found in _inside(one))]


def _least(kind: type[MessageStruct]) -> dict[str, Any]:
    """A document with every field, for each check that reads one."""
    schema = kind.contract.model_json_schema()
    return {
        name: _value(part, schema.get("$defs", {})) for name, part in schema["properties"].items()
    }


def _value(part: dict[str, Any], shared: dict[str, Any]) -> Any:
    part = next((one for one in part.get("anyOf", ()) if one.get("type") != "null"), part)
    if "$ref" in part:
        part = shared[part["$ref"].rpartition("/")[2]]
    if part.get("format") == "date-time":
        return "2026-03-02T15:04:05Z"
    if part.get("type") == "object":
        return {name: _value(one, shared) for name, one in part.get("properties", {}).items()}
    by_type = {
        "integer": 1,
        "boolean": True,
        "array": [],
        "string": "2026-03-02" if "format" in part else "a",
    }
    return part["enum"][0] if "enum" in part else by_type[part["type"]]


LEAST = {kind: _least(kind) for kind in STRUCTS}


@each_struct
def test_the_documents_used_here_are_accepted(kind: Any) -> None:
    assert isinstance(kind.model_validate_json(json.dumps(LEAST[kind])), kind)
