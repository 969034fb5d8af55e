"""The house rules, held by tests: who may import whom, how big a file may be, and what may stand in none."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import BY_NAME, EVERY_TOPIC, PROCESSOR_NAMES, TOPICS, Topic

HOUSE = Path(__file__).parents[1]
PACKAGES = ("schemas", "streams", "services")

FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.])/(?:wor[k]|roo[t]|home/\w+|Users/\w+)/",
    "a folder outside of the repository": r"(?<![\w-])shar[e]d/(?:data|docker|hooks|prototype|[\w-]+\.md)",
    "a package registry's host": r"(?i)pyp[i]\.org|pythonhoste[d]\.org|npm[j]s\.(?:org|com)|yarnpk[g]\.com"
    r"|mave[n]\.(?:apache\.)?org|sonatyp[e]\.org|crate[s]\.io",
    "an address of a package index": r"--(?:extra-)?index-ur[l]|--find-link[s]|--trusted-hos[t]|PIP_INDE[X]_URL",
}
"""In every pattern one letter is in brackets, so that this file does not find itself."""

MAY = {("a folder outside of the repository", ".ci/run")}
"""The check's own runner looks beside the repository for Docker."""


@cache
def texts() -> dict[str, str]:
    """Every text file that is committed or could be, by its path from the top."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HOUSE,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    found = {}
    for name in filter(None, listed):
        data = (HOUSE / name).read_bytes() if (HOUSE / name).is_file() else b"\0"
        if b"\0" not in data[:8000]:
            found[name] = data.decode("utf-8", "replace")
    return found


def python(*folders: str) -> dict[str, str]:
    return {
        name: text
        for name, text in texts().items()
        if name.endswith(".py") and name.startswith(folders)
    }


def pure() -> dict[str, str]:
    """What judges: everything of schemas and streams but the kit and the command that writes the catalogue."""
    return {
        name: text
        for name, text in python("schemas/", "streams/").items()
        if not name.startswith(("streams/runtime/", "schemas/catalog/"))
    }


def test_the_import_law_is_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts().items()
        if (what, name) not in MAY
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_no_lock_names_an_address() -> None:
    """Where packages come from is for the machine to say, not for us."""
    locks = {
        name: text
        for name, text in texts().items()
        if re.search(r"\.lock$|lock\.(json|yaml)$", name)
    }
    assert "requirements.lock" in locks
    assert [name for name, text in locks.items() if "://" in text] == []


def test_what_is_locked_is_locked_by_hash() -> None:
    lock = texts()["requirements.lock"]
    named = re.findall(r"^([\w.-]+)", lock, re.MULTILINE)
    hashed = re.findall(r"^([\w.-]+)==[^\n]* \\\n +--hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    assert hashed == named
    assert "pydantic" in hashed


def test_nothing_that_judges_reads_a_clock() -> None:
    calls = [
        f"{name}:{node.lineno}"
        for name, text in pure().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and _named(node.value, "date")
    ]
    assert calls == [], "pass `now` in"


def test_no_call_site_spells_a_topic() -> None:
    spelled = [
        f"{name}:{node.lineno}: {node.value}"
        for name, text in python(*(f"{package}/" for package in PACKAGES)).items()
        if name != "schemas/topics.py"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in BY_NAME
    ]
    assert spelled == [], "use the declaration in schemas.topics"


def test_topics_are_declared_once() -> None:
    names = [topic.name for topic in EVERY_TOPIC]
    assert len(set(names)) == len(names)
    assert len(BY_NAME) == len(TOPICS)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_a_reader(topic: Topic[Any]) -> None:
    """A room, or the ledger for what is meant for people."""
    from services.ledger.tables import TABLES
    from streams.topology import PROCESSORS as ROOMS_THERE_ARE

    for_people = {
        "consent-log",
        "consent-status",
        "usage-report",
        "dead-letters",
        "settings",
        "senders",
        "people",
        "sender-status",
        "approval-log",
        "dismissals",
        "alerts",
        "dead-letter-resolutions",
        "balance",
    }
    rooms = {read.name for room in ROOMS_THERE_ARE.values() for read in room.inputs}
    ledger = {table.topic.name for table in TABLES}
    assert topic.name in (ledger if topic.name.removeprefix("sms.") in for_people else rooms)


@pytest.mark.parametrize("name", PROCESSOR_NAMES)
def test_a_room_reads_what_is_filed_alike(name: str) -> None:
    """One key, one number of partitions: else two facts of one family would go to two owners."""
    from streams.topology import PROCESSORS as ROOMS_THERE_ARE

    reads = ROOMS_THERE_ARE[name].inputs
    assert len({topic.keyed_by for topic in reads}) == 1
    assert len({topic.single for topic in reads}) == 1


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_docs_know_every_topic(topic: Topic[Any]) -> None:
    assert topic.name in texts()["docs/architecture.md"]


def test_the_licence_is_there_and_credit_is_given() -> None:
    assert "Apache License" in texts()["LICENSE"]
    assert re.search(r"Almeida.*Hidalgo.*CC BY 4\.0.*Twilio.*MIT", texts()["NOTICE"], re.DOTALL)


def _named(node: ast.expr, word: str) -> bool:
    return any(word in name for name in _names(node))


def _names(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
