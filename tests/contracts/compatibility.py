"""What in a newer JSON Schema would break somebody who wrote or reads by the older one.

Both ways: a message written by the old schema must pass the new one, and a reader of the old one
must find what it relied on.  Readers accept fields and words they do not know, so a new optional
field or a new word breaks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Schema = dict[str, Any]

UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
MEANING = ("format", "pattern", "const")
NOTHING = object()


class _Roots(NamedTuple):
    old: Schema
    new: Schema


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Each as `where: what`; empty if every change is additive."""
    return list(_changes("", old, new, _Roots(old, new)))


def _changes(at: str, old: Schema, new: Schema, roots: _Roots) -> Iterator[str]:
    before, after = _alternatives(old, roots.old), _alternatives(new, roots.new)
    for kind in before.keys() - after.keys():
        yield f"{at or 'message'}: no longer takes {kind}"
    for kind in after.keys() - before.keys():
        yield f"{at or 'message'}: may now be {kind}, which readers do not expect"
    for kind in before.keys() & after.keys():
        yield from _same_kind(at, before[kind], after[kind], roots)


def _alternatives(schema: Schema, root: Schema) -> dict[str, Schema]:
    """By JSON type; what allows any type is `anything`."""
    schema = _resolved(schema, root)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return {
                kind: one
                for part in schema[union]
                for kind, one in _alternatives(part, root).items()
            }
    kinds = schema.get("type", "anything")
    return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        found = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = {**found, **{name: part for name, part in schema.items() if name != "$ref"}}
    return schema


def _same_kind(at: str, old: Schema, new: Schema, roots: _Roots) -> Iterator[str]:
    yield from _values(at or "message", old, new)
    yield from _fields(at, old, new, roots)
    yield from _parts(at, old, new, roots)


def _values(at: str, old: Schema, new: Schema) -> Iterator[str]:
    for word in MEANING:
        if old.get(word) != new.get(word):
            yield f"{at}: {word} was {old.get(word)!r}, is {new.get(word)!r}"
    if "enum" in new:
        if "enum" not in old:
            yield f"{at}: now only takes {new['enum']}"
        for gone in [word for word in old.get("enum", ()) if word not in new["enum"]]:
            yield f"{at}: no longer takes {gone!r}"
    for limit in UPPER:
        if limit in new and new[limit] < old.get(limit, float("inf")):
            yield f"{at}: {limit} was {old.get(limit)}, is {new[limit]}"
    for limit in LOWER:
        if limit in new and new[limit] > old.get(limit, float("-inf")):
            yield f"{at}: {limit} was {old.get(limit)}, is {new[limit]}"
    if (
        "default" in old
        and not isinstance(old["default"], dict)
        and new.get("default", NOTHING) != old["default"]
    ):
        yield f"{at}: left out, it was taken for {old['default']!r}, now for {new.get('default')!r}"


def _fields(at: str, old: Schema, new: Schema, roots: _Roots) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    must, now_must = old.get("required", ()), new.get("required", ())
    for name in before:
        if name not in after:
            yield f"{_join(at, name)}: removed"
        else:
            yield from _changes(_join(at, name), before[name], after[name], roots)
            if name in must and name not in now_must:
                yield f"{_join(at, name)}: may now be missing, which readers do not expect"
    for name in now_must:
        if name not in must:
            yield f"{_join(at, name)}: now required"


def _parts(at: str, old: Schema, new: Schema, roots: _Roots) -> Iterator[str]:
    """What a list or an open object holds."""
    if "items" in old and "items" in new:
        yield from _changes(f"{at}[]", old["items"], new["items"], roots)
    before, after = old.get("prefixItems", []), new.get("prefixItems", [])
    if len(before) != len(after):
        yield f"{at}: {len(before)} places, now {len(after)}"
    for place, (one, other) in enumerate(zip(before, after, strict=False)):
        yield from _changes(f"{at}[{place}]", one, other, roots)
    more, still = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if isinstance(more, dict) and isinstance(still, dict):
        yield from _changes(f"{at}.*", more, still, roots)
    elif more != still and still is not True:
        yield f"{at or 'message'}: other fields are no longer taken as they were"


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
