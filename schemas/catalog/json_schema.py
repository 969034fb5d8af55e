"""JSON Schema 2020-12 of each message: what may be written.

Readers accept more (see `schemas.base.Message`).
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from schemas.base import Message
from schemas.structs import contract_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class WireSchema(GenerateJsonSchema):
    """Pydantic's, but short: no title that repeats a field's name, no union where a list of
    types will do, and no default where what is missing is None anyway.

    A field is described by the docstring under it.  Pydantic could read these itself, but it
    would do so whenever the classes are imported, which takes as long as the rest of the import."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str) and not inner.keys() & {"enum", "const"}:
            return {**inner, "type": [inner["type"], "null"]}
        return super().nullable_schema(schema)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        for name, text in field_docstrings(schema["cls"]).items():
            found["properties"][name].setdefault("description", text)
        return found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        return {name: part for name, part in found.items() if (name, part) != ("default", None)}


def field_docstrings(kind: type[BaseModel]) -> dict[str, str]:
    """By the field's name, also those of the classes that this one extends."""
    found = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        [declared] = ast.parse(inspect.getsource(base)).body
        assert isinstance(declared, ast.ClassDef)
        for field, text in pairwise(declared.body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                match text:
                    case ast.Expr(value=ast.Constant(value=str(docstring))):
                        found[field.target.id] = inspect.cleandoc(docstring).replace("\n", " ")
    return found


def json_schema(message: type[Message]) -> dict[str, Any]:
    """One message's schema, complete in itself."""
    schema = require_tags(contract_of(message).model_json_schema(schema_generator=WireSchema))
    return {"$schema": DIALECT, "$id": f"urn:sayso:wire:{message.__name__}", **schema}


def schemas_by_name(messages: Iterable[type[Message]], place: str) -> dict[str, Any]:
    """The schemas of all messages and of what they share, by name; they refer to each other at
    `place`."""
    _, schemas = models_json_schema(
        [(contract_of(message), "validation") for message in messages],
        ref_template=place + "{model}",
        schema_generator=WireSchema,
    )
    found: dict[str, Any] = require_tags(schemas)["$defs"]
    return found


def require_tags(schema: Any) -> Any:
    """A constant tells a union's members apart: a writer must give it, though Python's constructor
    need not."""
    if isinstance(schema, list):
        return [require_tags(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: require_tags(part) for name, part in schema.items()}
    tags = [name for name, field in _fields(schema).items() if "const" in field]
    if tags:
        schema["required"] = [
            *tags,
            *(name for name in schema.get("required", ()) if name not in tags),
        ]
    return schema


def _fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    fields = schema.get("properties", {})
    return fields if isinstance(fields, dict) and schema.get("type") == "object" else {}
