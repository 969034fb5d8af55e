"""Every command of the Makefile is what it says, and the docs name no other."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
MAKEFILE = HOUSE / "Makefile"
TARGETS = sorted(re.findall(r"^([a-z-]+):.*?## ", MAKEFILE.read_text("utf-8"), re.MULTILINE))
KEPT = {".sayso/", ".env"}
"""Of what git ignores: data and secrets, which are nobody's to remove."""
LOCKS = (".lock", "Makefile", "pyproject.toml", "package-lock.json")
"""What targets are made from."""
IN_DOCS = re.compile(r"(?:`|^\$ |^)(?:\w+=\S+ )?make ([a-z][\w-]*)", re.MULTILINE)
"""As code or a prompt has it: prose makes other things."""

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None, reason="there is no make on this machine"
)


def make(*arguments: str, folder: Path = HOUSE) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@cache
def committed() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


@cache
def pages() -> dict[str, str]:
    return {name: (HOUSE / name).read_text("utf-8") for name in committed() if name.endswith(".md")}


def test_help_lists_every_target_with_a_sentence() -> None:
    lines = make("help").splitlines()
    assert sorted(line.split()[1] for line in lines) == TARGETS
    assert all(len(line.split()) > 3 for line in lines)
    assert {"setup", "test", "demo", "bench", "faults", "soak", "check", "lock", "clean"} <= set(
        TARGETS
    )
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE.read_text("utf-8"), re.MULTILINE)
    assert sorted(phony.split()) == TARGETS, "a file of that name would stand in its way"


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_can_be_made(target: str, tmp_path: Path) -> None:
    """As in a fresh clone, where nothing that it needs is there yet; nothing is run."""
    for name in (name for name in committed() if name.endswith(LOCKS)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HOUSE / name, tmp_path / name)
    assert make("--dry-run", target, folder=tmp_path)


@pytest.mark.parametrize("page", sorted(pages()))
def test_a_page_names_only_targets_that_are_there(page: str) -> None:
    assert set(IN_DOCS.findall(pages()[page])) <= set(TARGETS)


def test_the_pages_name_targets_at_all() -> None:
    assert {"setup", "test", "demo"} <= {
        target for text in pages().values() for target in IN_DOCS.findall(text)
    }


def test_clean_removes_what_was_made_and_keeps_what_is_kept(tmp_path: Path) -> None:
    """What is made is what git ignores: whoever adds to that adds to this."""
    shutil.copyfile(MAKEFILE, tmp_path / "Makefile")
    ignored = set((HOUSE / ".gitignore").read_text("utf-8").split())
    made = {f"{name.replace('*', 'x')}/x" for name in ignored - KEPT} | {
        "tests/contracts/node_modules/x/y",
        "a/__pycache__/b",
    }
    kept = {".sayso/broker/data/log", ".sayso/__pycache__/x", ".env", "services/a.py"}
    for name in made | kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for _ in range(2):
        assert make("clean", folder=tmp_path) == ""
        left = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
        assert left == {"Makefile", *kept}
