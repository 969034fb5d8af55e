"""Rows outlive the code that wrote them: what stands on a changelog today is read by the next
version, and what the next one writes by today's, while a rolling upgrade goes on or is taken
back.

`tests/golden/rows/ROOM.CLASS.json` is a row as some version wrote it, every field set; an
example once kept is never edited.  A new field comes with an example of its own
(`ROOM.CLASS.2.json`)."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from msgspec import Struct

import streams
from streams.partition.changelog import encode_entry
from streams.state_entry import StateEntry, parse

GOLDEN = Path(__file__).parents[1] / "golden" / "rows"
WORDS = GOLDEN / "words.json"
EXAMPLES = sorted(file for file in GOLDEN.glob("*.json") if file != WORDS)


def rows() -> dict[str, type[StateEntry]]:
    """Every kind of row, by room and name."""
    for module in pkgutil.walk_packages(streams.__path__, "streams."):
        if not module.name.startswith("streams.runtime"):
            importlib.import_module(module.name)
    found, left = dict[str, type[StateEntry]](), [StateEntry]
    while left:
        for kind in left.pop().__subclasses__():
            left.append(kind)
            if kind.__module__.startswith("streams."):
                found[f"{kind.__module__.split('.')[1]}.{kind.__name__}"] = kind
    return found


ROWS = rows()


def kept(name: str) -> list[Any]:
    return [json.loads(file.read_text("utf-8")) for file in EXAMPLES if named(file) == name]


def named(file: Path) -> str:
    return ".".join(file.name.split(".")[:2])


def test_every_kind_of_row_is_kept_and_none_is_gone() -> None:
    assert {named(file) for file in EXAMPLES} == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_every_field_is_in_an_example(name: str) -> None:
    """A new one: write down a row that has it, beside those there are."""
    seen = {field for example in kept(name) for field in example}
    assert set(ROWS[name].__struct_encode_fields__) - seen == set(), (
        f"add tests/golden/rows/{name}.2.json"
    )


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_what_an_earlier_version_wrote_is_read_whole(file: Path) -> None:
    """Nothing is dropped on the way: a field that was renamed or removed would be gone after the
    next write."""
    before = json.loads(file.read_text("utf-8"))
    after = json.loads(encode_entry(read(file, before)))
    assert list(missing("", before, after)) == []


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_what_a_later_version_adds_is_passed_over(file: Path) -> None:
    row = read(file, json.loads(file.read_text("utf-8")))
    later = with_more(row, json.loads(encode_entry(row)))
    assert later != json.loads(encode_entry(row))
    assert read(file, later) == row


def test_the_words_of_rows_are_those_that_were_kept() -> None:
    """The version before cannot read a word that it does not know.  So a new one is first only
    read, and written a release later; then add it to words.json."""
    assert {name: sorted(kind) for name, kind in words().items()} == json.loads(
        WORDS.read_text("utf-8")
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 2, "d": 3}}, []),
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"d": 2}}, ["/b/c"]),
        ({"a": [1, 2]}, {"a": [1]}, ["/a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["/a/0/b"]),
    ],
)
def test_what_is_missing_is_found(before: Any, after: Any, said: list[str]) -> None:
    assert list(missing("", before, after)) == said


def read(file: Path, data: Any) -> StateEntry:
    """As `Rows.get` does."""
    return parse(ROWS[named(file)], json.dumps(data).encode())


def missing(at: str, before: Any, after: Any) -> Iterator[str]:
    """Places of `before` that `after` does not have, or has otherwise."""
    match before, after:
        case dict(), dict():
            for key, value in before.items():
                yield from missing(f"{at}/{key}", value, after.get(key))
        case list(), list() if len(before) == len(after):
            for n, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from missing(f"{at}/{n}", one, other)
        case _:
            if before != after:
                yield at


def with_more(model: Any, data: Any) -> Any:
    """A field that nobody knows yet, in the row and in every message inside it."""
    match model, data:
        case Struct(), dict():
            attributes = dict(
                zip(model.__struct_encode_fields__, model.__struct_fields__, strict=True)
            )
            inside = {
                name: with_more(getattr(model, attributes.get(name, name), None), value)
                for name, value in data.items()
            }
            return {**inside, "added_by_a_later_version": {"in": ["some", "form"]}}
        case dict(), dict():
            values = dict(zip(data, model.values(), strict=True))
            return {key: with_more(values[key], value) for key, value in data.items()}
        case ((tuple() | list()), list()):
            return [with_more(one, value) for one, value in zip(model, data, strict=True)]
    return data


def words() -> dict[str, type[StrEnum]]:
    """What rows may say, by where it is declared; not that of messages inside them, which is
    held as the wire is."""
    found, left = dict[str, type[StrEnum]](), list[Any]()
    for kind in ROWS.values():
        left += get_type_hints(kind).values()
    while left:
        hint = left.pop()
        left += get_args(hint)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            found[f"{hint.__module__}.{hint.__name__}"] = hint
    return found
