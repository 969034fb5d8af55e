"""The threat model names tests that are there, so that no control is claimed that nobody holds."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.security.secrets import ROOT

PAGE = (ROOT / "docs/operations/security.md").read_text("utf-8")
ROWS = re.findall(r"^\| (?!way in|---)(.+?) \| (.+?) \| (.*?) ?\|$", PAGE, re.MULTILINE)


@cache
def known_tests() -> set[str]:
    found: set[str] = set()
    for path in Path(ROOT / "tests").rglob("test_*.py"):
        if "node_modules" not in path.parts:
            found.update(
                re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
            )
    return found


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert named - known_tests() == set()


def test_every_way_in_has_a_test_or_says_that_it_has_no_control() -> None:
    assert len(ROWS) > 20
    bare = [
        way
        for way, control, held in ROWS
        if "`test_" not in held and "Not controlled" not in control
    ]
    assert bare == []


def test_the_four_harms_are_there() -> None:
    harms = ("makes us text", "reads texts", "forges consent", "stops texts")
    assert all(re.search(rf"^## Somebody {harm}", PAGE, re.MULTILINE) for harm in harms)
