"""Read settings from a YAML file.  Each mistake is named with its line; secrets are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from schemas.base import Message
from services.operations.errors import InvalidRequest, OperationError

M = TypeVar("M", bound=Message)
SECTIONS = ("tenants", "senders")
"""What such a file may hold; a command takes its own section."""

_SECRET_NAME = re.compile(r"(?i)secret|token|passw|api_?key|private_?key|credential")
_SECRET_VALUE = re.compile(
    r"\bSK[0-9a-f]{32}\b|\b[0-9a-f]{32,}\b|-----BEGIN|\beyJ[\w-]{20,}\.|://[^/\s:]+:[^/\s@]+@"
)


def read_settings(path: Path, section: str, kind: type[M]) -> list[M]:
    """Raises InvalidRequest, in one sentence that names the line."""
    root = _parse(path)
    _check(path, root)
    found = next((value for name, value in _pairs(root) if name.value == section), None)
    if not isinstance(found, yaml.SequenceNode):
        raise InvalidRequest(f"{path}: there is no list `{section}:` in it")
    return [_item(path, kind, node) for node in found.value]


def _parse(path: Path) -> yaml.Node:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidRequest(f"{path}{line}: this is not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise InvalidRequest(f"{path}: this is not YAML: it holds control characters") from None
    if not isinstance(root, yaml.MappingNode):
        raise InvalidRequest(f"{path}: begin with `tenants:` or `senders:`")
    for name, _ in _pairs(root):
        if name.value not in SECTIONS:
            raise InvalidRequest(
                f"{_at(path, name)}: `{name.value}` is not known here;"
                f" sections are {', '.join(SECTIONS)}"
            )
    return root


def _check(path: Path, node: yaml.Node) -> None:
    """Refuse a name that occurs twice in a mapping, and anything that looks like a secret."""
    seen: set[str] = set()
    for name, value in _pairs(node):
        if name.value in seen:
            raise InvalidRequest(f"{_at(path, name)}: `{name.value}` is there twice")
        seen.add(name.value)
        if _SECRET_NAME.search(str(name.value)):
            raise _secret(path, name)
        _check(path, value)
    for inner in node.value if isinstance(node, yaml.SequenceNode) else ():
        _check(path, inner)
    if isinstance(node, yaml.ScalarNode) and _SECRET_VALUE.search(node.value):
        raise _secret(path, node)


def _secret(path: Path, node: yaml.Node) -> OperationError:
    return InvalidRequest(
        f"{_at(path, node)}: this looks like a secret, and settings are published to every worker: "
        "secrets belong in the environment"
    )


def _item(path: Path, kind: type[M], node: yaml.Node) -> M:
    try:
        return kind.model_validate(_plain(node), extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        words = f"{field}: {_describe(first)}" if field else _describe(first)
        raise InvalidRequest(f"{_at(path, _find(node, first['loc']))}: {words}") from None


def _describe(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "this is not a setting"
    if error["type"] == "missing":
        return "this is missing"
    if error["type"] == "string_type" and isinstance(error["input"], int | float):
        return f'write it in quotes: "{error["input"]}"'
    return str(error["msg"]).removeprefix("Value error, ")


def _plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


def _find(node: yaml.Node, place: tuple[int | str, ...]) -> yaml.Node:
    """The node nearest to the mistake; for a missing field, its mapping."""
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            continue
        found = next((value for name, value in _pairs(node) if name.value == str(step)), None)
        if found is None:
            break
        node = found
    return node


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    return iter(node.value if isinstance(node, yaml.MappingNode) else ())


def _at(path: Path, node: yaml.Node) -> str:
    return f"{path}, line {node.start_mark.line + 1}"
