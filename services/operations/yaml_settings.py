"""Read settings from a YAML file.  Each mistake is named with its line; secrets are refused."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from schemas.base import Message
from schemas.tenant_settings import TenantSettings
from services.operations.errors import InvalidRequest, OperationError
from services.operations.recipe_check import find_mistakes
from services.operations.yaml_values import (
    QUOTE_BRACES,
    WrongValue,
    check_nodes,
    list_entries,
    list_names,
    read_value,
)
from streams.templates.settings_check import check_settings

M = TypeVar("M", bound=Message)
SECTIONS = ("tenants", "senders")
"""What such a file may hold; a command takes its own section."""

_SECRET_NAME = re.compile(r"(?i)secret|token|passw|api_?key|private_?key|credential")
_SECRET_VALUE = re.compile(
    r"\bSK[0-9a-f]{32}\b|\b[0-9a-f]{32,}\b|-----BEGIN|\beyJ[\w-]{20,}\.|://[^/\s:]+:[^/\s@]+@"
)


def read_settings(path: Path, section: str, kind: type[M]) -> list[M]:
    """Raises InvalidRequest, in one sentence that names the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        ) from None
    return parse_settings(text, str(path), section, kind)


def parse_settings(text: str, source: str, section: str, kind: type[M]) -> list[M]:
    """`source`: what the text is called in a sentence.  Raises InvalidRequest, as above."""
    root = _parse(text, source)
    try:
        check_nodes(root)
        _refuse_secrets(source, root)
        found = next((value for name, value in list_entries(root) if name.value == section), None)
        if not isinstance(found, yaml.SequenceNode):
            raise InvalidRequest(f"{source}: there is no list `{section}:` in it")
        items = [_item(kind, node) for node in found.value]
        for node, item in zip(found.value, items, strict=True):
            if isinstance(item, TenantSettings):
                _refuse_templates(source, node, item)
        _refuse_repeats(section.removesuffix("s"), found, items)
    except WrongValue as wrong:
        raise InvalidRequest(f"{_at(source, wrong.node)}: {wrong}") from None
    return items


def _parse(text: str, source: str) -> yaml.Node:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise InvalidRequest(f"{source}{_explain(error, text)}") from None
    except yaml.YAMLError:
        raise InvalidRequest(f"{source}: this is not YAML: it holds control characters") from None
    except RecursionError:
        raise InvalidRequest(f"{source}: this is not a settings file: it is too deep") from None
    if not isinstance(root, yaml.MappingNode):
        raise InvalidRequest(f"{source}: begin with `tenants:` or `senders:`")
    for name, _ in root.value:
        if name.value not in SECTIONS:
            raise InvalidRequest(
                f"{_at(source, name)}: `{name.value}` is not known here;"
                f" sections are {', '.join(SECTIONS)}"
            )
    return root


def _explain(error: yaml.MarkedYAMLError, text: str) -> str:
    if error.problem_mark is None:
        return f": this is not YAML: {error.problem}"
    line = error.problem_mark.line
    has_field = "{{" in "".join(text.splitlines()[line : line + 1])
    hint = f" ({QUOTE_BRACES})" if has_field else ""
    return f", line {line + 1}: this is not YAML: {error.problem}{hint}"


def _refuse_secrets(source: str, node: yaml.Node) -> None:
    """Refuse anything that looks like a secret."""
    for name, value in list_entries(node):
        if _SECRET_NAME.search(str(name.value)):
            raise _secret(source, name)
        _refuse_secrets(source, value)
    for inner in node.value if isinstance(node, yaml.SequenceNode) else ():
        _refuse_secrets(source, inner)
    if isinstance(node, yaml.ScalarNode) and _SECRET_VALUE.search(node.value):
        raise _secret(source, node)


def _secret(source: str, node: yaml.Node) -> OperationError:
    return InvalidRequest(
        f"{_at(source, node)}: this looks like a secret, and settings are published to every"
        " worker: secrets belong in the environment"
    )


def _refuse_repeats(identity: str, found: yaml.Node, items: list[Any]) -> None:
    """Raises WrongValue: of two items with one name, one would have no effect."""
    seen: dict[str, int] = {}
    for node, item in zip(found.value, items, strict=True):
        name = getattr(item, identity)
        if name in seen:
            raise WrongValue(node, f"{identity} {name!r} is on line {seen[name]} already")
        seen[name] = node.start_mark.line + 1


def _item(kind: type[M], node: yaml.Node) -> M:
    """Raises InvalidRequest or WrongValue."""
    schema = kind.model_json_schema()
    value = read_value(node, schema)
    try:
        item = kind.model_validate(value, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = first["loc"]
        there = _find(node, place)
        words = _describe(first, there, list_names(schema, place[:-1]))
        field = ".".join(map(str, place))
        raise WrongValue(there, f"{field}: {words}" if field else words) from None
    if isinstance(item, TenantSettings) and (mistake := next(find_mistakes(item), None)):
        field = ".".join(map(str, mistake.place))
        raise WrongValue(_find(node, mistake.place), f"{field}: {mistake.words}")
    return item


def _refuse_templates(source: str, node: yaml.Node, tenant: TenantSettings) -> None:
    """Raises InvalidRequest: a template that cannot be filled in would be noticed at night."""
    found = next((each for each in check_settings(tenant) if each.refuses), None)
    if found is None:
        return
    there = _find(node, found.place)
    line = there.start_mark.line + 1
    if found.line and isinstance(there, yaml.ScalarNode) and there.style == "|":
        line += found.line  # the text begins on the line after the bar
    raise InvalidRequest(f"{source}, line {line}: {'.'.join(found.place)}: {found.message}")


def _describe(error: Any, there: yaml.Node, names: list[str]) -> str:
    """What is wrong, and what was written."""
    written = there.value[:80] if isinstance(there, yaml.ScalarNode) else ""
    match error["type"]:
        case "extra_forbidden":
            near = get_close_matches(str(error["loc"][-1]).lower(), names, 1, 0.6)
            return "this is not a setting" + (f": did you mean `{near[0]}`?" if near else "")
        case "missing":
            return "this is missing"
        case "bool_type" | "bool_parsing":
            words = "write true or false, without quotes"
        case "int_type" | "int_parsing" | "int_from_float":
            words = "write a whole number, in digits and without quotes"
        case "float_type" | "float_parsing":
            words = "write a number, in digits and without quotes"
        case "string_type" if error["input"] is None:
            return "there is nothing after the colon: write a value, or leave the line out"
        case _:
            words = str(error["msg"]).removeprefix("Value error, ")
    is_quoted = f'"{written}"' in words or repr(written) in words
    return words if not written or is_quoted else f"{words}; it says {written!r}"


def _find(node: yaml.Node, place: tuple[int | str, ...]) -> yaml.Node:
    """The node nearest to the mistake; for a missing field, its mapping."""
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            continue
        entries = list_entries(node)
        found = next((value for name, value in entries if name.value == str(step)), None)
        if found is None:
            break
        node = found
    return node


def _at(source: str, node: yaml.Node) -> str:
    return f"{source}, line {node.start_mark.line + 1}"
