"""Read JSON that anybody may have written, for people to look at."""

from __future__ import annotations

import json
from typing import Any, Final

MAX_DEPTH: Final = 100
"""Objects and lists within each other.  What is deeper is shown as text: Python gives up at some
hundreds, and nobody reads it."""


def parse_json(data: bytes | str) -> Any:
    """Raises ValueError for what is not JSON, is nested too deeply, or has a number of thousands
    of digits."""
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _is_deep(value):
        raise ValueError("it is nested too deeply")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return False
    return True


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
