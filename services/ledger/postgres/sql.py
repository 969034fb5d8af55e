"""Statements of the ledger, which are written for SQLite, as PostgreSQL understands them.

The ledger's statements keep to what both databases mean by the same words. What remains is done
here: marks of parameters with their types, paths in JSON, and the advice to SQLite's planner, which
PostgreSQL does not need. Functions that only SQLite has are in the schema (`tables`)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

_PART: Final = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\?[0-9]*|%""")
_ADVICE: Final = re.compile(r"\s+INDEXED BY \w+")
_PATH: Final = re.compile(
    r"\b(json_extract|json_array_length|json_each)\(([\w.]+), '\$([^']*)'\)", re.ASCII
)
_STEP: Final = re.compile(r"[^.\[\]]+")
_EACH: Final = re.compile(r"\bjson_each\(")
_GROUP: Final = re.compile(r"\bjson_group_array\((\w+)\)")
_TYPES: Final = {str: "text", bool: "bigint", int: "bigint", float: "float8"}
_REMEMBERED: Final = 4096


class Statement(NamedTuple):
    sql: str
    order: tuple[int, ...]
    """Which of the given values stands at each mark."""


def prepare(sql: str, values: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The statement and its values, for psycopg."""
    kinds = tuple(None if value is None else _kind(value) for value in values)
    statement = translate(sql, kinds)
    return statement.sql, [clean(values[at]) for at in statement.order]


def _kind(value: Any) -> str:
    return _TYPES.get(type(value)) or ("text" if isinstance(value, str) else "bigint")


def clean(value: Any) -> Any:
    """PostgreSQL's texts have no character 0."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd") if "\0" in value else value
    return value


@lru_cache(maxsize=_REMEMBERED)
def translate(sql: str, kinds: tuple[str | None, ...]) -> Statement:
    """`kinds`: the values' types; None is written as NULL, whose type PostgreSQL finds by
    itself."""
    marks = _Marks(kinds)
    sql = _ADVICE.sub("", sql)
    sql = _PATH.sub(_write_path, sql)
    sql = _EACH.sub("json_values(", sql)
    sql = _GROUP.sub(r"coalesce(json_agg(\1)::text, '[]')", sql)
    sql = sql.replace("CROSS JOIN", "JOIN").replace("AS INTEGER)", "AS BIGINT)")
    return Statement(_PART.sub(marks.write, sql), tuple(marks.order))


class _Marks:
    """Writes `?` and `?2` as psycopg has them."""

    def __init__(self, kinds: tuple[str | None, ...]) -> None:
        self._kinds = kinds
        self._next = 0
        self.order = list[int]()

    def write(self, found: re.Match[str]) -> str:
        part = found[0]
        if not part.startswith("?"):
            return part.replace("%", "%%")
        at = int(part[1:]) - 1 if part[1:] else self._next
        self._next = at + 1
        kind = self._kinds[at]
        if kind is None:
            return "NULL"
        self.order.append(at)
        return f"%s::{kind}"


def _write_path(found: re.Match[str]) -> str:
    steps = ",".join(_STEP.findall(found[3]))
    return f"{found[1]}({found[2]}, '{{{steps}}}')"
