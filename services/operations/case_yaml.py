"""What a YAML file says of a case: every value as it was written, and each entry with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from services.operations.errors import InvalidRequest
from services.operations.yaml_values import WrongValue, check_nodes

_KEYS: Final = {
    "case": "case tenant title type reference branch zone mail launch parties tasks events dates",
    "parties": "person role number reminders",
    "tasks": "task template body to people at event date clock zone kind",
    "events": "event title type at zone place remind",
}
"""What a file may say, and what an entry of each of its lists may."""
Values = dict[str, Any]
Placed = tuple[int, Values]
"""An entry of a list, with its line."""


def read_case_yaml(path: Path) -> Values:
    """Raises InvalidRequest, with the line."""
    try:
        root = yaml.compose(read_text(path), Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise InvalidRequest(f"{path}: begin with `case:` and its id")
        check_nodes(root)
        return _read_mapping(root, "case")
    except WrongValue as wrong:
        line = wrong.node.start_mark.line + 1
        raise InvalidRequest(f"{path}, line {line}: {wrong}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidRequest(f"{path}, line {line}: this is not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError):
        raise InvalidRequest(f"{path}: this is not YAML") from None


def read_text(path: Path) -> str:
    """Raises InvalidRequest."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidRequest(f"{path} cannot be read: {why}") from None


def _read_mapping(node: yaml.MappingNode, sort: str) -> Values:
    """Every value as it was written: YAML would take `no` for a boolean and a number for a
    number."""
    found: Values = {}
    for name, value in node.value:
        if name.value not in _KEYS[sort].split():
            raise WrongValue(
                name,
                f"`{name.value}` is not known here; known are {_KEYS[sort].replace(' ', ', ')}",
            )
        found[name.value] = _read_value(name.value, value)
    return found


def _read_value(name: str, node: yaml.Node) -> Any:
    if name in ("parties", "tasks", "events"):
        if not isinstance(node, yaml.SequenceNode):
            raise WrongValue(node, f"`{name}:` is a list: begin each with a dash")
        return [_read_entry(name, inner) for inner in node.value]
    if name == "dates":
        if not isinstance(node, yaml.MappingNode):
            raise WrongValue(node, "`dates:` has a name and a day on each line")
        return {inner.value: _read_word(value) for inner, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_read_word(inner) for inner in node.value]
    return _read_word(node)


def _read_entry(name: str, node: yaml.Node) -> Placed:
    if not isinstance(node, yaml.MappingNode):
        raise WrongValue(node, f"an entry of `{name}:` has names and values")
    return node.start_mark.line + 1, _read_mapping(node, name)


def _read_word(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise WrongValue(node, "here stands one word or text")
    return str(node.value)
