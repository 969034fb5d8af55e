"""Every sentence that staff are told about a text, once: tests elsewhere assert rule names and codes.

To change a sentence on purpose, run `python -m tests.contracts.test_staff_sentences` and read the
difference in `tests/golden/staff_sentences.txt`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from streams.error_codes.catalog import all_codes
from streams.mailboxes import WORDS

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests/golden/staff_sentences.txt"
SENTENCES = {"reason", "next_step"}
"""The arguments that carry one."""


def test_the_sentences_for_staff_are_those_that_were_reviewed() -> None:
    assert list(collect_sentences()) == KEPT.read_text("utf-8").splitlines()


def test_the_snapshot_holds_the_sentences_of_every_source() -> None:
    """The test above would pass by itself if nothing were collected."""
    kept = KEPT.read_text("utf-8")
    for sentence in (
        "The recipient hasn't opted in yet",  # a constant
        "It is past the time it was meant for",
        "use the full link",  # a rule's next step
        WORDS[next(iter(WORDS))],  # a mailbox
        "Their carrier does not know the number",  # a code
    ):
        assert sentence in kept


def collect_sentences() -> Iterator[str]:
    """One a line, with its place; what is filled in later is written as {...}."""
    for path in sorted((ROOT / "streams").rglob("*.py")):
        place = path.relative_to(ROOT).with_suffix("").as_posix()
        found = {f"{place}: {sentence}" for sentence in _sentences(ast.parse(path.read_text()))}
        yield from sorted(found)
    for box, words in WORDS.items():
        yield f"mailbox {box}: {words}"
    for code in all_codes().values():
        yield f"code {code.code}: {code.title} | {code.description} | {code.next_step}"


def _sentences(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        values = [word.value for word in node.keywords if word.arg in SENTENCES]
        if isinstance(node.func, ast.Name) and node.func.id == "Reason":
            values += node.args[1:]
        if isinstance(node.func, ast.Attribute) and node.func.attr == "with_next_step":
            values += node.args
        for value in values:
            yield from _texts(value)


def _texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str() as text) if " " in text:
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                part.value if isinstance(part, ast.Constant) else "{...}" for part in parts
            )
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case ast.BinOp(left=one, right=other):
            yield from _texts(one)
            yield from _texts(other)
        case ast.BoolOp(values=values):
            for each in values:
                yield from _texts(each)


if __name__ == "__main__":
    KEPT.write_text("\n".join(collect_sentences()) + "\n", "utf-8")
