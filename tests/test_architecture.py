"""The rules of the code base, as tests: who may import whom, how things are named, what no file
may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import BY_NAME, EVERY_TOPIC, PROCESSOR_NAMES, TOPICS, Topic

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "streams", "services")

FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.])/(?:wor[k]|roo[t]|home/\w+|Users/\w+)/",
    "a folder outside of the repository": r"(?<![\w-])shar[e]d/(?:data|docker|hooks|prototype|[\w-]+\.md)",
    "a package registry's host": r"(?i)pyp[i]\.org|pythonhoste[d]\.org|npm[j]s\.(?:org|com)|yarnpk[g]\.com"
    r"|mave[n]\.(?:apache\.)?org|sonatyp[e]\.org|crate[s]\.io",
    "an address of a package index": r"--(?:extra-)?index-ur[l]|--find-link[s]|--trusted-hos[t]|PIP_INDE[X]_URL",
}
"""In every pattern one letter is in brackets, so that this file does not find itself."""

VERBS_IN_ED = {"embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "succeed"}
IRREGULAR = {
    "begun",
    "bought",
    "broken",
    "brought",
    "built",
    "caught",
    "chosen",
    "done",
    "drawn",
    "found",
    "given",
    "gone",
    "heard",
    "held",
    "hidden",
    "kept",
    "known",
    "left",
    "lost",
    "made",
    "meant",
    "met",
    "paid",
    "said",
    "seen",
    "sent",
    "shown",
    "sold",
    "spent",
    "spoken",
    "stood",
    "taken",
    "thrown",
    "told",
    "understood",
    "withdrawn",
    "woken",
    "written",
}
OLD_WORDS = {
    "afresh",
    "anew",
    "astray",
    "books",
    "brake",
    "deaf",
    "family",
    "farewell",
    "heard",
    "hears",
    "house",
    "kit",
    "news",
    "residue",
    "room",
    "rooms",
    "told",
    "woke",
}
TABLES = {"schemas/topics.py"}

MAY = {("a folder outside of the repository", ".ci/run")}
"""The check's own runner looks beside the repository for Docker."""


@cache
def texts() -> dict[str, str]:
    """Every text file that is committed or could be, by its path from the top."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    found = {}
    for name in filter(None, listed):
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in data[:8000]:
            found[name] = data.decode("utf-8", "replace")
    return found


def python(*folders: str) -> dict[str, str]:
    return {
        name: text
        for name, text in texts().items()
        if name.endswith(".py") and name.startswith(folders)
    }


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(texts()[name])


def pure() -> dict[str, str]:
    """The pure core: schemas and streams without the runtime and the catalog generator."""
    return {
        name: text
        for name, text in python("schemas/", "streams/").items()
        if not name.startswith(("streams/runtime/", "schemas/catalog/"))
    }


def test_the_import_law_is_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
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
    """Each machine decides where its packages come from."""
    locks = {
        name: text
        for name, text in texts().items()
        if re.search(r"\.lock$|lock\.(json|yaml)$", name)
    }
    assert "requirements.lock" in locks
    assert [name for name, text in locks.items() if "://" in text] == []


def test_locked_packages_have_hashes() -> None:
    lock = texts()["requirements.lock"]
    named = re.findall(r"^([\w.-]+)", lock, re.MULTILINE)
    hashed = re.findall(r"^([\w.-]+)==[^\n]* \\\n +--hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    assert hashed == named
    assert "pydantic" in hashed


def test_the_pure_core_reads_no_clock() -> None:
    calls = [
        f"{name}:{node.lineno}"
        for name in pure()
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and _named(node.value, "date")
    ]
    assert calls == [], "pass `now` in"


def test_no_call_site_spells_a_topic() -> None:
    spelled = [
        f"{name}:{node.lineno}: {node.value}"
        for name in python(*(f"{package}/" for package in PACKAGES))
        if name != "schemas/topics.py"
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in BY_NAME
    ]
    assert spelled == [], "use the declaration in schemas.topics"


def test_topics_are_declared_once() -> None:
    names = [topic.name for topic in EVERY_TOPIC]
    assert len(set(names)) == len(names)
    assert len(BY_NAME) == len(TOPICS)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_has_a_reader(topic: Topic[Any]) -> None:
    """A processor reads it, or the ledger if people do."""
    from services.ledger.tables import TABLES
    from streams.topology import PROCESSORS

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
        "cases",
        "case-texts",
        "threads",
        "mail-requests",
        "templates",
    }
    processors = {topic.name for one in PROCESSORS.values() for topic in one.inputs}
    ledger = {table.topic.name for table in TABLES}
    assert topic.name in (ledger if topic.name.removeprefix("sms.") in for_people else processors)


@pytest.mark.parametrize("name", PROCESSOR_NAMES)
def test_the_inputs_of_a_processor_have_one_key(name: str) -> None:
    """Otherwise two records of one entity could go to two workers."""
    from streams.topology import PROCESSORS

    inputs = PROCESSORS[name].inputs
    assert len({topic.keyed_by for topic in inputs}) == 1
    assert len({topic.single for topic in inputs}) == 1


def test_one_processor_looks_after_a_topic() -> None:
    """Two would each file a misplaced record again, and read the other's copy."""
    from streams.topology import PROCESSORS

    readers: dict[str, list[str]] = {}
    for name, processor in PROCESSORS.items():
        for topic in processor.inputs:
            if topic not in processor.shared_topics:
                readers.setdefault(topic.name, []).append(name)
    assert {topic: names for topic, names in readers.items() if len(names) != 1} == {}
    inputs = {topic.name for processor in PROCESSORS.values() for topic in processor.inputs}
    assert inputs == set(readers)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_function_is_a_past_participle(package: str) -> None:
    """A function is named by what it does: `build_order`, not `ordered`.  Properties may
    describe."""
    found = [
        f"{name}:{node.lineno}: {node.name}"
        for name, node in functions(f"{package}/")
        if is_participle(node.name) and not is_property(node)
    ]
    assert found == []


def test_the_check_of_names_knows_a_participle() -> None:
    """The rule above would pass by itself if its word list were wrong."""
    assert all(map(is_participle, ["asked", "told_of", "dismissed_by"]))
    assert not any(map(is_participle, ["send", "is_asked", "on_request", "feed", "embed_all"]))


@pytest.mark.parametrize("package", PACKAGES)
def test_class_names_are_unique_in_a_package(package: str) -> None:
    """In a package two levels deep: `streams/gate`, `services/ledger`."""
    places = defaultdict[tuple[str, str], list[str]](list)
    for name in python(f"{package}/"):
        folder = "/".join(name.split("/")[:-1][:2])
        for node in tree(name).body:
            if isinstance(node, ast.ClassDef):
                places[folder, node.name].append(name)
    assert {key: files for key, files in places.items() if len(files) > 1} == {}


def test_old_words_are_gone_from_names() -> None:
    """The glossary has the words that replaced them."""
    names = [(name, Path(name).stem) for name in python(*PACKAGES, "tests/core", "tests/adapters")]
    names += [(name, node.name) for name, node in functions(*PACKAGES)]
    names += [(name, node.name) for name, node in classes(*PACKAGES)]
    assert [
        f"{name}: {word}"
        for name, word in names
        if OLD_WORDS & set(re.findall("[a-z]+", snake(word)))
    ] == []


def test_no_file_is_too_long_to_read() -> None:
    """At most 400 lines; a file that is one table may be longer."""
    sizes = {name: len(text.splitlines()) for name, text in python(*PACKAGES).items()}
    assert {name: size for name, size in sizes.items() if size > 400 and name not in TABLES} == {}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_docs_know_every_topic(topic: Topic[Any]) -> None:
    assert topic.name in texts()["docs/architecture.md"]


def test_the_licence_is_there_and_credit_is_given() -> None:
    assert "Apache License" in texts()["LICENSE"]
    assert re.search(r"Almeida.*Hidalgo.*CC BY 4\.0.*Twilio.*MIT", texts()["NOTICE"], re.DOTALL)


def functions(*folders: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The public ones, methods too."""
    for name in python(*folders):
        for node in ast.walk(tree(name)):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and not node.name.startswith("_"):
                yield name, node


def classes(*folders: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for name in python(*folders):
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ClassDef):
                yield name, node


def is_participle(name: str) -> bool:
    first = name.partition("_")[0]
    return first in IRREGULAR or (first.endswith("ed") and first not in VERBS_IN_ED)


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(part, ast.Name) and part.id.endswith("property") for part in node.decorator_list
    )


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _named(node: ast.expr, word: str) -> bool:
    return any(word in name for name in _names(node))


def _names(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
