"""No value on the wire is read as one of another type, and a time is RFC 3339 with an offset and
nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.catalog.examples import Example, examples
from schemas.send_request import SendRequest
from schemas.structs import contract_of
from schemas.tenant_settings import TenantSettings
from schemas.topics import SEND_REQUESTS, SETTINGS

Path = tuple[str | int, ...]

RFC3339 = (
    "2026-12-01T09:00:00-05:00",
    "2026-12-01T14:00:00Z",
    "2026-12-01t14:00:00z",
    "2026-12-01T14:00:00.5Z",
    "2026-12-01T14:00:00.123456789+01:30",
    "2026-12-01T14:00:00-00:00",
    "2026-12-01 14:00:00Z",
)
OTHER_TIMES = (
    "20271201",
    "2027",
    "1796083200",
    "1796083200.5",
    1796083200,
    1796083200.5,
    1796083200000,
    0,
    True,
    "",
    "now",
    "2026-12-01",
    "2026-12-01T09:00:00",
    "2026-12-01T09:00Z",
    "2026-12-01  09:00:00Z",
    "2026-12-01\t09:00:00Z",
    "2026-12-01_09:00:00Z",
    "2026-12-01T09:00:00+0500",
    "2026-12-01T09:00:00+05",
    "2026-12-01T09:00:00 Z",
    "2026-12-01T09:00:00,5Z",
    "2026-12-01T09:00:00.Z",
    "20261201T090000Z",
    "2026-W49-2T09:00:00Z",
    "2026-335T09:00:00Z",
    "12/01/2026 09:00:00Z",
    "Tue, 01 Dec 2026 09:00:00 GMT",
    "2026-12-01T24:00:00Z",
    "2026-02-30T09:00:00Z",
    " 2026-12-01T09:00:00Z",
    "2026-12-01T09:00:00Z\n",
    "2026-12-01T09:00:00[America/New_York]",
    "\uff12026-12-01T09:00:00Z",
    "\u0662\u0660\u0662\u0666-12-01T09:00:00Z",
    ["2026-12-01T09:00:00Z"],
    {},
)
OTHER: dict[str, tuple[Any, ...]] = {
    "boolean": ("true", "false", "yes", "no", "on", "1", "", 0, 1, 0.0, 1.0, [], [True]),
    "integer": ("5", "5.0", "", 5.0, 5.5, 1e3, True, False, [5]),
    "number": ("5", "5.5", "", True, "inf", [5]),
    "string": (5, 5.5, True, False, ["a"], {"a": "a"}),
    "date-time": OTHER_TIMES,
    "date": (
        *("20261201", "2026-12-1", "2026-12-01T00:00:00", "2026-12-01T00:00:00Z", "1796083200"),
        *(1796083200, 0, True, "12/01/2026", "2026-W49-2", "2026-02-30", "", " 2026-12-01"),
    ),
}

ALL = examples()
each_example = pytest.mark.parametrize(
    "example", ALL, ids=lambda one: f"{one.topic.name}/{one.name}"
)


def test_every_kind_of_scalar_is_among_the_fields_tried() -> None:
    assert {kind for one in ALL for _, kind in _scalars(one)} == set(OTHER)


@each_example
def test_a_value_of_another_type_is_refused(example: Example) -> None:
    for place, kind in _scalars(example):
        for value in OTHER[kind]:
            written = json.dumps(_replace(example.document, place, value)).encode()
            with pytest.raises(ValidationError) as refused:
                example.topic.decode(written)
            assert place[0] in {step for one in refused.value.errors() for step in one["loc"]}


@pytest.mark.parametrize("written", RFC3339)
def test_a_time_with_its_offset_is_read(written: str) -> None:
    request = SEND_REQUESTS.decode(json.dumps(REQUEST | {"not_before": written}).encode())
    assert request.not_before is not None
    assert request.not_before.tzinfo is UTC


@pytest.mark.parametrize("written", OTHER_TIMES, ids=repr)
def test_python_code_cannot_give_another_time_either(written: Any) -> None:
    for kind in (SendRequest, contract_of(SendRequest)):
        with pytest.raises(ValidationError):
            kind.model_validate(REQUEST | {"not_before": written})


@pytest.mark.parametrize("value", ["true", 1, "no", 0, 1.0])
def test_python_code_cannot_give_a_word_for_a_boolean(value: Any) -> None:
    with pytest.raises(ValidationError):
        TenantSettings.model_validate(TENANT | {"smart_encoding": value})
    with pytest.raises(ValidationError):
        SETTINGS.decode(json.dumps(TENANT | {"smart_encoding": value}).encode())


REQUEST = {
    "message_id": "m-1",
    "tenant": "acme",
    "to": "+14155550142",
    "body": "Hello",
    "kind": "direct",
    "requested_at": "2026-03-05T15:04:05Z",
}
TENANT = {"tenant": "acme", "name": "Acme", "sender": "72975"}


def _scalars(example: Example) -> Iterator[tuple[Path, str]]:
    """The place of each value of the document, with its type."""
    kind = next(
        message
        for message in example.topic.messages
        if len(example.topic.messages) == 1
        or message.model_json_schema()["properties"]["type"].get("const", example.document["type"])
        == example.document["type"]
    )
    schema = kind.model_json_schema()
    yield from _inside(example.document, schema, schema.get("$defs", {}), ())


def _inside(
    value: Any, schema: dict[str, Any], shared: dict[str, Any], place: Path
) -> Iterator[tuple[Path, str]]:
    for part in [schema, *schema.get("anyOf", ())]:
        one = shared[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        kind = one.get("type")
        match value:
            case dict() if kind == "object":
                for name, inner in value.items():
                    field = one.get("properties", {}).get(name, one.get("additionalProperties"))
                    if isinstance(field, dict):
                        yield from _inside(inner, field, shared, (*place, name))
            case list() if kind == "array":
                for number, inner in enumerate(value):
                    item = one["items"] if "items" in one else one["prefixItems"][number]
                    yield from _inside(inner, item, shared, (*place, number))
            case str() | bool() | int() | float() if kind in OTHER and "const" not in one:
                yield place, one.get("format", kind)


def _replace(document: Any, place: Path, value: Any) -> Any:
    if not place:
        return value
    step, *rest = place
    inner = _replace(document[step], tuple(rest), value)
    if isinstance(document, list):
        return [inner if number == step else one for number, one in enumerate(document)]
    return document | {step: inner}
