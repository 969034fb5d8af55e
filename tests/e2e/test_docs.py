"""The documentation is true: its commands run, its links resolve, and what it names exists."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from schemas.topics import BY_NAME, EVERY_TOPIC
from services.cli.app import app
from services.observability import metrics
from services.settings import SECRETS, VARIABLES
from streams.error_codes import all_codes
from streams.rule_names import RuleName
from tests.e2e import running_stack

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ \.venv/bin/sayso (.+)$", README, re.MULTILINE)
ARCHITECTURE_LINES = 150

GENERATED = {"streams/LIFECYCLE.md", "streams/error_codes/README.md"}
"""Written by code, and compared with it by other tests."""
FOLDERS = ("docs", "schemas", "services", "streams", "tests")
HISTORY = {"CHANGELOG.md"}
"""May name what no longer exists."""

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
RESULTS = re.compile(r"<!-- (results|staged) -->.*?<!-- end of \1 -->", re.DOTALL)

OTHER_VARIABLES = {
    "SAYSO_CRASH_AT",
    "SAYSO_KAFKA_",
    "SAYSO_TEST_POSTGRES",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
}
"""Read elsewhere than in `services.settings`, or the beginning of several."""
NEW_NAMES = {"services/providers/yours.py"}
"""What the reader is told to create."""
PATH = re.compile(r"(?:docs|schemas|services|streams|tests)/[\w./*-]+")

OLD_WORDS = re.compile(
    r"\b(?:rooms?|lanes?|the kit|the books|the house|wakes?|woke|folds?|crashpoints?|judge[sd]?|judging|hears|astray)\b"
    r"|\bset aside\b|\bhanded back\b",
    re.IGNORECASE,
)


@cache
def pages() -> dict[str, str]:
    """Every page, by its path from the top."""
    found = [
        *ROOT.glob("*.md"),
        *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md")),
    ]
    return {
        page.relative_to(ROOT).as_posix(): page.read_text("utf-8")
        for page in found
        if "node_modules" not in page.parts
    }


PAGES = sorted(pages())
OURS = sorted(set(PAGES) - GENERATED)
CURRENT = sorted(set(OURS) - HISTORY)


def prose(page: str) -> str:
    """A page without code, what code writes into it, and the targets of links."""
    text = RESULTS.sub("", FENCE.sub("", pages()[page])).replace(metrics.render_docs(), "")
    return re.sub(r"\]\([^)]*\)", "]", SPAN.sub("", text))


def spans(page: str) -> set[str]:
    """What a page sets in code, one line each."""
    return {" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", pages()[page]))}


def blocks(page: str, *languages: str) -> list[str]:
    return [body for language, body in FENCE.findall(pages()[page]) if language in languages]


@cache
def anchors(page: str) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", pages()[page]), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head) for head in heads]
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in plain}


# --- the front door


@pytest.mark.broker
@pytest.mark.timeout(400)
async def test_the_readmes_commands_run_in_their_order(fresh_cluster: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "SAYSO_BOOTSTRAP": fresh_cluster,
        "SAYSO_STATE": str(tmp_path),
        "NO_COLOR": "1",
    }
    printed: dict[str, str] = {}
    async with running_stack.start_stack(tmp_path, fresh_cluster):
        for command in COMMANDS:
            if command != "up":  # it is up
                printed[command] = await run(command, environment)
    assert "docs-1 is " in printed["explain docs-1"]
    assert "72976" in printed["usage"]


async def run(command: str, environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *shlex.split(command),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, f"sayso {command}: {out.decode()}"
    await asyncio.sleep(1)  # as long as a person takes to type the next one
    return out.decode()


def test_the_readme_shows_commands() -> None:
    assert {"up", "usage", "explain docs-1"} <= set(COMMANDS)


def test_the_first_screen_shows_what_it_is() -> None:
    screen = "\n".join(README.splitlines()[:30])
    for sign in ("opted in", "GATE ──▶ DISPATCH", "$ make demo", "$ make test"):
        assert sign in screen


def test_the_architecture_page_is_short() -> None:
    assert len(pages()["docs/architecture.md"].splitlines()) <= ARCHITECTURE_LINES


QUESTIONS = {
    "Where are quiet hours decided?": ("Quiet hours", "quiet"),
    "How does a STOP cancel queued texts?": ("How a STOP cancels queued texts", "def on_stop"),
    "Where is the transaction of a batch?": ("One batch, one transaction", "commit_transaction"),
    "Where is the text of error 30005?": ("delivery.csv", "30005"),
    "Who may write a topic?": ("Who may write a topic", "WRITTEN_BY_PRODUCERS"),
    "How do I add a rule?": ("Add a gate rule", ""),
    "How do I add a provider?": ("Add a provider", ""),
    "How do I add a topic?": ("Add a topic", "SEND_REQUESTS"),
    "How do I add a command?": ("Add a command", ""),
    "How do I add an error code?": ("Add an error code", ""),
    "What happens after a crash in the middle of a call?": (
        "What happens after a crash in the middle of a call",
        "in doubt",
    ),
    "What does a state entry look like?": ("What a state entry looks like", "unpack"),
}
"""What a newcomer asks: words that the guide has, and words that the code has, where it is one
file."""


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_strangers_question_leads_to_code_and_guide(question: str) -> None:
    """The README answers it in one row: a path in the code, and a page that says how it works."""
    [row] = [line for line in README.splitlines() if line.startswith(f"| {question} |")]
    code, guide = LINK.findall(row)
    in_guide, in_code = QUESTIONS[question]
    assert in_guide in (ROOT / guide.partition("#")[0]).read_text("utf-8")
    if in_code:
        assert in_code in (ROOT / code).read_text("utf-8")
    else:
        assert (ROOT / code).is_dir()


# --- links


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_resolve(page: str) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", pages()[page])):
        path, _, anchor = link.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (ROOT / page).parent.joinpath(path).resolve() if path else ROOT / page
        name = target.relative_to(ROOT).as_posix()
        if not target.exists() or (anchor and anchor not in anchors(name)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_a_page_can_be_reached_from_the_readme(page: str) -> None:
    """A decision is reached from the folder that the README links."""
    if page.startswith("docs/decisions/"):
        assert re.fullmatch(r"docs/decisions/\d{4}-[a-z0-9-]+\.md", page)
        assert "(docs/decisions)" in README
    else:
        assert f"({page}" in README


# --- what is named exists


@pytest.mark.parametrize("page", CURRENT)
def test_the_paths_named_exist(page: str) -> None:
    named = {path.rstrip(".,:") for span in spans(page) for path in PATH.findall(span)} - NEW_NAMES
    assert [path for path in sorted(named) if not list(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("page", CURRENT)
def test_the_modules_named_exist(page: str) -> None:
    code = "\n".join([*spans(page), *blocks(page, "console")])
    named = set(re.findall(r"python -m ((?:schemas|services|streams|tests)[\w.]*)", code))
    named |= {
        span
        for span in spans(page)
        if re.fullmatch(r"(?:schemas|services|streams)(?:\.\w+)+", span)
    }
    assert [name for name in sorted(named) if not _is_there(name)] == []


def _is_there(name: str) -> bool:
    """A module, or a name inside of one."""
    try:
        if importlib.util.find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    module, _, attribute = name.rpartition(".")
    return bool(module) and hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("page", CURRENT)
def test_the_topics_named_exist(page: str) -> None:
    names = {topic.name for topic in EVERY_TOPIC} | set(BY_NAME)
    named = set(re.findall(r"(?<![\w/-])sms\.[a-z][a-z-]*(?!\w*\.com)", pages()[page]))
    assert {name for name in named if not name.startswith("sms.example")} <= names


@pytest.mark.parametrize("page", CURRENT)
def test_the_variables_named_exist(page: str) -> None:
    named = set(re.findall(r"\b(?:SAYSO|TWILIO)_[A-Z_]+", pages()[page]))
    assert named <= {*VARIABLES.values(), *SECRETS.values(), *OTHER_VARIABLES}


@pytest.mark.parametrize("page", CURRENT)
def test_the_metrics_named_exist(page: str) -> None:
    named = {name for span in spans(page) for name in re.findall(r"^((?:sayso|kafka)_\w+)", span)}
    others = {"sayso_appended_ms", "sayso_ledger", "sayso_ledger_next"}
    assert named <= {metric.name for metric in metrics.METRICS} | others


@pytest.mark.parametrize("page", CURRENT)
def test_the_codes_named_exist(page: str) -> None:
    text = RESULTS.sub("", pages()[page])
    named = set(re.findall(r"(?:error|code|codes|undelivered|refused with) `?(\d{5})\b", text))
    assert named <= set(all_codes())


@pytest.mark.parametrize("page", CURRENT)
def test_the_findings_named_exist(page: str) -> None:
    """Rule names, where a page says `finding`."""
    named = set(re.findall(r"finding\s+`(\w+)`", pages()[page]))
    assert named <= set(RuleName)


# --- code


@pytest.mark.parametrize("page", CURRENT)
def test_python_and_json_can_be_parsed(page: str) -> None:
    for body in blocks(page, "python"):
        try:
            ast.parse(body)
        except SyntaxError:
            ast.parse(f"[\n{body}]")  # rows of a table
    for body in blocks(page, "json"):
        json.loads(body)


TYPED = sorted(
    {
        (page, line)
        for page in CURRENT
        for line in [
            *re.findall(
                r"^ *\$ (?:\.venv/bin/)?(sayso .+)$",
                "\n".join(blocks(page, "console")),
                re.MULTILINE,
            ),
            *(span for span in spans(page) if re.match(r"sayso [a-z]", span)),
        ]
    }
)


@pytest.mark.parametrize(("page", "line"), TYPED)
def test_a_command_that_is_typed_exists(page: str, line: str) -> None:
    """Its words and options are known; placeholders are in capitals."""
    node: Any = get_command(app)
    words = shlex.split(line.split(" > ", maxsplit=1)[0].replace("...", ""))[1:]
    while words and words[0] in getattr(node, "commands", {}):
        node = node.commands[words.pop(0)]
    known = {name for option in node.params for name in option.opts}
    assert {word for word in words if word.startswith("-")} <= known | {"--help", "--version"}
    if getattr(node, "commands", None):
        assert words in ([], ["--help"], ["--version"])


@pytest.mark.parametrize("page", CURRENT)
def test_what_make_is_asked_for_is_there(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([\w-]+):.*## ", makefile, re.MULTILINE))
    typed = re.findall(r"^\$ (?:\w+=\S+ )?make ([a-z-]+)", pages()[page], re.MULTILINE)
    assert set(typed) <= targets


# --- language


@pytest.mark.parametrize("page", sorted(set(CURRENT) - {"docs/glossary.md"}))
def test_pages_use_the_words_of_the_glossary(page: str) -> None:
    """The old words stay on the wire, so they may stand in code."""
    found = [match.group() for match in OLD_WORDS.finditer(prose(page))]
    assert found == []


LONGEST_SENTENCE, USUAL_SENTENCE = 40, 20
"""Words."""


@pytest.mark.parametrize("page", CURRENT)
def test_sentences_are_short(page: str) -> None:
    text = "\n".join(
        line for line in prose(page).splitlines() if not line.startswith(("|", "#", "<!--"))
    )
    text = re.sub(r"^ *(?:[-*]|\d+\.) ", "\n", text, flags=re.MULTILINE)
    sentences = [
        part.split() for part in re.split(r"(?<=[.:;?!])\s+|\n\n", text) if len(part.split()) > 2
    ]
    lengths = [len(words) for words in sentences] or [0]
    assert max(lengths) <= LONGEST_SENTENCE, max(sentences, key=len)
    assert sum(lengths) / len(lengths) <= USUAL_SENTENCE
