"""What counts as a breaking change, case by case."""

from __future__ import annotations

import pytest

from tests.contracts.compatibility import Schema, breaking_changes

TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}


def of(*required: str, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


ADDITIVE = [
    pytest.param(of(a=TEXT), of(a=TEXT), id="nothing"),
    pytest.param(of(a=TEXT), of(a=TEXT, b=TEXT), id="a new optional field"),
    pytest.param(
        of(a={"enum": ["x"], **TEXT}), of(a={"enum": ["x", "y"], **TEXT}), id="a new word"
    ),
    pytest.param(of(a={"enum": ["x"], **TEXT}), of(a=TEXT), id="any word"),
    pytest.param(
        of(a={"maxLength": 5, **TEXT}), of(a={"maxLength": 9, **TEXT}), id="a wider upper limit"
    ),
    pytest.param(of(a={"maxLength": 5, **TEXT}), of(a=TEXT), id="a limit lifted"),
    pytest.param(
        of(a={"type": "integer", "minimum": 5}),
        of(a={"type": "integer", "minimum": 1}),
        id="a lower limit",
    ),
    pytest.param(
        of(a={"description": "x", **TEXT}),
        of(a={"description": "y", **TEXT}),
        id="another description",
    ),
    pytest.param(
        of(a=MAYBE), of(a={"anyOf": [TEXT, {"type": "null"}]}), id="the same, written otherwise"
    ),
    pytest.param(
        {**of(a={"$ref": "#/$defs/A"}), "$defs": {"A": TEXT}},
        {**of(a={"$ref": "#/$defs/B"}), "$defs": {"B": TEXT}},
        id="a shared part renamed",
    ),
    pytest.param(
        of(a={"default": {"b": 1}, **of()}),
        of(a={"default": {"b": 1, "c": 2}, **of()}),
        id="a part grows",
    ),
]

BREAKING = [
    pytest.param(of(a=TEXT, b=TEXT), of(a=TEXT), ["b: removed"], id="a field removed"),
    pytest.param(of(a=TEXT), of(b=TEXT), ["a: removed"], id="a field renamed"),
    pytest.param(
        of(a=TEXT), of("b", a=TEXT, b=TEXT), ["b: now required"], id="a new required field"
    ),
    pytest.param(of(a=TEXT), of("a", a=TEXT), ["a: now required"], id="a field becomes required"),
    pytest.param(
        of("a", a=TEXT),
        of(a=TEXT),
        ["a: may now be missing, which readers do not expect"],
        id="no longer required",
    ),
    pytest.param(of(a=MAYBE), of(a=TEXT), ["a: no longer takes null"], id="null refused"),
    pytest.param(
        of(a=TEXT),
        of(a=MAYBE),
        ["a: may now be null, which readers do not expect"],
        id="null given",
    ),
    pytest.param(
        of(a={"type": "integer"}),
        of(a=TEXT),
        ["a: no longer takes integer", "a: may now be string, which readers do not expect"],
        id="another type",
    ),
    pytest.param(
        of(a={}),
        of(a=TEXT),
        ["a: no longer takes anything", "a: may now be string, which readers do not expect"],
        id="any type narrowed",
    ),
    pytest.param(
        of(a={"enum": ["x", "y"], **TEXT}),
        of(a={"enum": ["x"], **TEXT}),
        ["a: no longer takes 'y'"],
        id="a word removed",
    ),
    pytest.param(
        of(a=TEXT), of(a={"enum": ["x"], **TEXT}), ["a: now only takes ['x']"], id="words imposed"
    ),
    pytest.param(
        of(a={"format": "date-time", **TEXT}),
        of(a={"format": "date", **TEXT}),
        ["a: format was 'date-time', is 'date'"],
        id="another format",
    ),
    pytest.param(
        of(a={"pattern": "^a$", **TEXT}),
        of(a={"pattern": "^b$", **TEXT}),
        ["a: pattern was '^a$', is '^b$'"],
        id="another pattern",
    ),
    pytest.param(
        of(a=TEXT),
        of(a={"pattern": "^b$", **TEXT}),
        ["a: pattern was None, is '^b$'"],
        id="a pattern imposed",
    ),
    pytest.param(
        of(a={"const": "x", **TEXT}),
        of(a={"const": "y", **TEXT}),
        ["a: const was 'x', is 'y'"],
        id="another tag",
    ),
    pytest.param(
        of(a=TEXT),
        of(a={"maxLength": 9, **TEXT}),
        ["a: maxLength was None, is 9"],
        id="an upper limit imposed",
    ),
    pytest.param(
        of(a={"type": "integer", "minimum": 0}),
        of(a={"type": "integer", "minimum": 1}),
        ["a: minimum was 0, is 1"],
        id="a lower limit raised",
    ),
    pytest.param(
        of(a={"default": "refuse", **TEXT}),
        of(a={"default": "allow", **TEXT}),
        ["a: left out, it was taken for 'refuse', now for 'allow'"],
        id="another default",
    ),
    pytest.param(of(a=of(b=TEXT)), of(a=of()), ["a.b: removed"], id="inside a field"),
    pytest.param(
        {**of(a={"$ref": "#/$defs/A"}), "$defs": {"A": of(b=TEXT)}},
        {**of(a={"$ref": "#/$defs/A"}), "$defs": {"A": of()}},
        ["a.b: removed"],
        id="inside a shared part",
    ),
    pytest.param(
        of(a={"anyOf": [of(b=TEXT), {"type": "null"}]}),
        of(a={"anyOf": [of(), {"type": "null"}]}),
        ["a.b: removed"],
        id="inside what may be null",
    ),
    pytest.param(
        of(a={"type": "array", "items": of(b=TEXT)}),
        of(a={"type": "array", "items": of()}),
        ["a[].b: removed"],
        id="inside a list",
    ),
    pytest.param(
        of(a={"type": "array", "prefixItems": [TEXT, TEXT]}),
        of(a={"type": "array", "prefixItems": [TEXT]}),
        ["a: 2 places, now 1"],
        id="a shorter tuple",
    ),
    pytest.param(
        of(a={"type": "array", "prefixItems": [TEXT]}),
        of(a={"type": "array", "prefixItems": [{"enum": ["x"], **TEXT}]}),
        ["a[0]: now only takes ['x']"],
        id="inside a tuple",
    ),
    pytest.param(
        of(a={"type": "object", "additionalProperties": TEXT}),
        of(a={"type": "object", "additionalProperties": {"type": "integer"}}),
        ["a.*: no longer takes string", "a.*: may now be integer, which readers do not expect"],
        id="inside an open object",
    ),
    pytest.param(
        of(),
        {**of(), "additionalProperties": False},
        ["message: other fields are no longer taken as they were"],
        id="closed to unknown fields",
    ),
]


@pytest.mark.parametrize(("old", "new"), ADDITIVE)
def test_an_additive_change_breaks_nothing(old: Schema, new: Schema) -> None:
    assert breaking_changes(old, new) == []


@pytest.mark.parametrize(("old", "new", "found"), BREAKING)
def test_a_breaking_change_is_named(old: Schema, new: Schema, found: list[str]) -> None:
    assert breaking_changes(old, new) == found
