"""Read the values of a YAML file as they were written.

Theory of operation
-------------------
YAML 1.1 guesses types: `+13125550177` is a number, `NO` is false, `0123` is 83, `2026-01-01` a
date.  We read every value as text first, and then by what its setting takes:

- a boolean: `true` or `false`, also `yes`, `no`, `on` and `off`, which nobody could mean otherwise;
- a number: plain decimal digits;
- a text: as written.  Where YAML would read the words as something else, they must stand in quotes.

What does not fit stays text, so that the setting's own check refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import yaml

_STANDARD: Final = "tag:yaml.org,2002:"
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]+)?")
_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
QUOTE_BRACES: Final = "a text with {{ fields }} stands in quotes, or on the lines below a |"
_DEEPEST: Final = 20
_NODES_AT_MOST: Final = 50_000

Schema = Mapping[str, Any]
"""A JSON schema, or the part of one that describes a value."""
Place = tuple[int | str, ...]
"""Names and positions from the item down to a value."""


class WrongValue(Exception):
    """What is wrong with a node, in words."""

    def __init__(self, node: yaml.Node, words: str) -> None:
        super().__init__(words)
        self.node = node


def check_nodes(root: yaml.Node) -> None:
    """Raises WrongValue for what has no single reading, whatever it may be for: a name that is
    there twice, tags, and aliases that never end."""
    count = 0
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST or count > _NODES_AT_MOST:
            raise WrongValue(node, "this is too deep or too long: it may refer to itself")
        _check_tag(node)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for name, value in node.value:
                if not isinstance(name, yaml.ScalarNode):
                    hint = f" ({QUOTE_BRACES})" if isinstance(name, yaml.MappingNode) else ""
                    raise WrongValue(name, f"a name is one word, not a list or a mapping{hint}")
                if name.value in seen:
                    raise WrongValue(name, f"`{name.value}` is there twice")
                seen.add(name.value)
                waiting += [(name, depth + 1), (value, depth + 1)]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(inner, depth + 1) for inner in node.value]


def _check_tag(node: yaml.Node) -> None:
    match node:
        case yaml.MappingNode():
            usual = {"map"}
        case yaml.SequenceNode():
            usual = {"seq"}
        case _:
            implied = _guess(node.value) if _is_plain(node) else "str"
            usual = {"str", implied}
    if node.tag not in {_STANDARD + name for name in usual}:
        raise WrongValue(node, f"the tag {node.tag[:80]} is not read here: leave it out")


def _is_plain(node: yaml.Node) -> bool:
    """Written without quotes."""
    return isinstance(node, yaml.ScalarNode) and node.style is None


def _guess(written: str) -> str:
    """The type that YAML 1.1 reads in a plain value."""
    loader = yaml.SafeLoader("")
    try:
        resolve: Any = loader.resolve
        tag: str = resolve(yaml.ScalarNode, written, (True, False))
    finally:
        loader.dispose()
    return tag.removeprefix(_STANDARD)


def list_entries(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Names and values of a mapping.  Those that it merges (`<<`) come after its own."""
    if not isinstance(node, yaml.MappingNode):
        return
    own = [(name, value) for name, value in node.value if not _is_merge(name)]
    seen = {name.value for name, _ in own}
    yield from own
    for name, value in node.value:
        if _is_merge(name):
            merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for other in merged:
                if not isinstance(other, yaml.MappingNode):
                    raise WrongValue(other, "`<<` merges mappings only")
                for inner_name, inner in list_entries(other):
                    if inner_name.value not in seen:
                        seen.add(inner_name.value)
                        yield inner_name, inner


def _is_merge(name: yaml.Node) -> bool:
    return name.value == "<<" and name.tag == f"{_STANDARD}merge"


def read_value(node: yaml.Node, schema: Schema) -> Any:
    """The value by what `schema` says that its settings take.  Raises WrongValue."""
    return _read(node, (schema,), schema.get("$defs", {}), ())


def _read(
    node: yaml.Node, schemas: tuple[Schema, ...], shared: Mapping[str, Schema], place: Place
) -> Any:
    kinds = tuple(_resolve(schemas, shared))
    if isinstance(node, yaml.MappingNode):
        return {
            name.value: _read(value, tuple(_inner(kinds, name.value)), shared, (*place, name.value))
            for name, value in list_entries(node)
        }
    if isinstance(node, yaml.SequenceNode):
        items = tuple(kind["items"] for kind in kinds if "items" in kind)
        return [
            _read(inner, items, shared, (*place, number)) for number, inner in enumerate(node.value)
        ]
    if not _is_plain(node) or node.tag == f"{_STANDARD}str":
        return node.value
    return _read_plain(node, {kind.get("type", "string"): kind for kind in kinds}, place)


def _read_plain(node: yaml.Node, kinds: Mapping[str, Schema], place: Place) -> Any:
    written: str = node.value
    if written in _NULLS:
        return None
    if "boolean" in kinds and written.lower() in _BOOLEANS:
        return _BOOLEANS[written.lower()]
    if "integer" in kinds and _INTEGER.fullmatch(written):
        return int(written)
    if "number" in kinds and _DECIMAL.fullmatch(written):
        return float(written)
    text = kinds.get("string")
    if text is None or "format" in text or _CLOCK.fullmatch(written):
        return written
    if _CLOCK.fullmatch(str(text.get("default"))):
        return written  # it takes an hour, and has a hint of its own
    field = f"{'.'.join(map(str, place))}: " if place else ""
    raise WrongValue(node, f'{field}write it in quotes: "{written[:80]}"')


def _resolve(schemas: tuple[Schema, ...], shared: Mapping[str, Schema]) -> Iterator[Schema]:
    for schema in schemas:
        if "$ref" in schema:
            yield from _resolve((shared[schema["$ref"].rpartition("/")[2]],), shared)
        elif "anyOf" in schema:
            yield from _resolve(tuple(schema["anyOf"]), shared)
        else:
            yield schema


def _inner(kinds: tuple[Schema, ...], name: str) -> Iterator[Schema]:
    for kind in kinds:
        others = [kind.get("additionalProperties"), *kind.get("patternProperties", {}).values()]
        parts = [kind["properties"].get(name)] if "properties" in kind else others
        yield from (part for part in parts if isinstance(part, Mapping))


def list_names(schema: Schema, place: Iterable[int | str]) -> list[str]:
    """The settings that there are at a place of the file."""
    shared = schema.get("$defs", {})
    kinds = tuple(_resolve((schema,), shared))
    for step in place:
        inner = (
            tuple(kind["items"] for kind in kinds if "items" in kind)
            if isinstance(step, int)
            else tuple(_inner(kinds, step))
        )
        kinds = tuple(_resolve(inner, shared))
    return [name for kind in kinds for name in kind.get("properties", {})]
