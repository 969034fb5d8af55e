"""Data that a terminal would obey, or that Python cannot read, on every topic: each command still
prints, and prints nothing of the kind."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from rich.text import Text

from schemas.dead_letter import DeadLetter
from schemas.topics import BY_NAME, DEAD_LETTERS, TOPICS
from services.cli.app import run
from services.cli.dead_letters import edit
from services.csv_output import write_csv
from services.json_values import parse_json
from services.ledger.ledger import FILE
from services.ledger.store import Store
from services.observability.logs import mask_line
from services.operations.errors import OperationError
from services.terminal import SafeConsole, SafeOutput, console, markup, print_json, table
from tests.adapters.ledger_filler import LedgerFiller, apply_records, make_record

EXAMPLES = Path("schemas/examples")
HOSTILE = "\x1b[31m\x07\x00\x9b2J\u202egnp\u2066\u2069\u200f\u2028\r[red]x[/] [/nope] \\[b]"
DEEP = b"[" * 20_000
DEEP_AND_WHOLE = DEEP + b"]" * 20_000
OBJECTS = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
UNREADABLE = {
    "brackets": DEEP,
    "brackets that close": DEEP_AND_WHOLE,
    "objects": OBJECTS,
    "nine hundred deep": b"[" * 900 + b"]" * 900,
    "a number of 5,000 digits": b"1" * 5_000,
    "a number in a field": b'{"message_id": ' + b"9" * 10_000 + b"}",
    "not a number": b'{"a": NaN, "b": -Infinity}',
    "half a character": b'{"body": "\\ud800"}',
    "no UTF-8": b"\xff\xfe\x00",
    "a huge line": b'"' + b"x" * 900_000 + b'"',
    "control characters": HOSTILE.encode(),
    "control characters in JSON": json.dumps({"body": HOSTILE, HOSTILE: [HOSTILE]}).encode(),
    "raw control characters in JSON": json.dumps({"a": HOSTILE}, ensure_ascii=False).encode(),
    "nothing": b"",
}
NAMES = list(UNREADABLE)


def is_obeyed(letter: str) -> bool:
    """By what Unicode says of it, and not by the product's own list."""
    if letter == "\n":
        return False
    return (
        unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(letter)
        in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        or letter in "\u200e\u200f\u061c"
    )


def check(said: str) -> None:
    assert [hex(ord(letter)) for letter in said if is_obeyed(letter)] == []


def letters() -> Iterator[DeadLetter]:
    for n, value in enumerate(UNREADABLE.values()):
        yield DeadLetter(
            room="gate",
            topic="sms.send-requests",
            partition=0,
            offset=n,
            timestamp=datetime(2026, 3, 5, tzinfo=UTC),
            key=base64.b64encode(HOSTILE.encode()).decode(),
            value=base64.b64encode(value).decode(),
            headers=((HOSTILE, base64.b64encode(HOSTILE.encode()).decode()),),
            cause="invalid",
            reason=f"value: {HOSTILE}",
            at=datetime(2026, 3, 5, tzinfo=UTC),
        )


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each example of each topic: as it is, with one text in it made hostile after the other, and
    with fields of a newer version that nobody can read."""
    folder = tmp_path_factory.mktemp("hostile")
    filler = LedgerFiller(folder / FILE)
    filler.ledger.close()
    store = Store(folder / FILE)
    for topic in TOPICS:
        if topic is DEAD_LETTERS:
            continue
        values = [value for file in (EXAMPLES / topic.name).glob("*.json") for value in spoil(file)]
        records = [make_record(topic, n, value) for n, value in enumerate(values)]
        if records:
            apply_records(store, *records)
    apply_records(
        store, *(make_record(DEAD_LETTERS, n, letter) for n, letter in enumerate(letters()))
    )
    store.close()
    return folder


def spoil(file: Path) -> Iterator[bytes]:
    fields = json.loads(file.read_bytes())
    whole = json.dumps(fields).encode()
    yield whole
    for unreadable in (DEEP_AND_WHOLE, OBJECTS, b"9" * 5_000, b"NaN", b'"\\ud800"'):
        yield whole[:-1] + b', "of_a_newer_version": ' + unreadable + b"}"
    for name, value in fields.items():
        if isinstance(value, str):
            yield json.dumps(fields | {name: HOSTILE}).encode()
            yield json.dumps(fields | {name: value + HOSTILE}).encode()
        elif isinstance(value, list | dict):
            yield json.dumps(fields | {name: poison(value)}).encode()


def poison(value: Any) -> Any:
    match value:
        case str():
            return value + HOSTILE
        case list():
            return [poison(one) for one in value]
        case dict():
            return {name: poison(one) for name, one in value.items()}
    return value


COMMANDS = [
    "waiting",
    "balance --hours 999999 --all",
    "senders",
    "senders list",
    "senders check",
    "dlq list",
    "dlq list --resolved",
    "doubt list",
    "alerts",
    "box inbox",
    "box outbox",
    "box ready",
    "box sent",
    "usage",
    "usage --by day,code",
    "consent audit",
    "consent history --tenant harbor",
    "consent history --number +14155550142",
    "consent show +14155550142",
    "people list",
    "people show p-1001",
    "codes --unknown",
]


def message_ids() -> list[str]:
    found = set()
    for file in EXAMPLES.rglob("*.json"):
        fields = json.loads(file.read_bytes())
        if isinstance(fields, dict) and isinstance(name := fields.get("message_id"), str):
            found.add(name)
    return sorted(found)


@pytest.mark.parametrize("json_too", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_printed_is_shown_and_not_obeyed(
    state: Path, command: str, json_too: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for unmask in ([], ["--unmask"]):
        more = ["--json"] if json_too else []
        code = run([*command.split(), "--state", str(state), *more, *unmask])
        out, err = capsys.readouterr()
        assert code in (0, 1, 2), err
        check(out + err)
        if json_too and code == 0:
            for line in out.splitlines():
                json.loads(line, parse_constant=pytest.fail)


def test_every_message_is_explained(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = message_ids()
    assert len(names) > 5
    for name in names:
        for more in ([], ["--json"], ["--unmask"], ["--json", "--unmask"]):
            code = run(["explain", name, "--state", str(state), *more])
            out, err = capsys.readouterr()
            assert code == 0 or "each have a message" in err or "No message" in err, (name, err)
            check(out + err)


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
@pytest.mark.parametrize("more", [[], ["--json"], ["--unmask"], ["--json", "--unmask"]])
def test_what_could_not_be_read_can_be_shown(
    state: Path, number: int, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dlq", "show", f"0-{number}", "--state", str(state), *more]) == 0
    out, err = capsys.readouterr()
    check(out + err)
    if "--json" in more:
        data = json.loads(out, parse_constant=pytest.fail)
        assert data["letter"] == f"0-{number}"
        if more == ["--json", "--unmask"] and NAMES[number] == "control characters in JSON":
            assert data["value"]["body"] == HOSTILE, "escaped, and so read back as it was"


@pytest.mark.parametrize("letter", list(letters()), ids=NAMES)
@pytest.mark.parametrize("changed", [False, True])
def test_what_could_not_be_read_can_be_opened_and_mended(
    letter: DeadLetter, changed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = (EXAMPLES / "sms.send-requests").glob("*.json")
    good = tmp_path / "good.json"
    good.write_bytes(next(iter(sorted(fixed))).read_bytes())
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"cp {good}" if changed else "true")
    value = edit(letter)
    assert (value is not None) is changed


def test_an_editor_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "vi 'x")
    with pytest.raises(OperationError, match="EDITOR"):
        edit(next(letters()))


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", HOSTILE],
        ["dlq", "show", HOSTILE],
        ["senders", "pause", HOSTILE],
        ["consent", "show", HOSTILE],
        ["people", "show", HOSTILE],
        ["codes", HOSTILE],
        ["tail", HOSTILE],
        ["lag", "--room", HOSTILE],
        ["tenants", "apply", HOSTILE.replace("\x00", "")],
        [HOSTILE],
        ["dlq", HOSTILE],
        ["waiting", f"--{HOSTILE}"],
        ["explain", "\udcff"],
    ],
)
def test_what_was_typed_is_quoted_and_not_obeyed(
    arguments: list[str], state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = (
        []
        if len(arguments) < 2 or arguments[0] in ("codes", "tenants", "waiting")
        else ["--state", str(state)]
    )
    assert run([*arguments, *here]) in (0, 1, 2)
    out, err = capsys.readouterr()
    check(out + err)


def test_rich_prints_data_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(f"{HOSTILE}")
    console().print(markup("[bold]{}[/]: {}", HOSTILE, HOSTILE))
    out = capsys.readouterr().out
    check(out)
    assert out.count("[red]x[/] [/nope]") == 3


def test_json_is_read_back_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": HOSTILE + "\ud800", "emoji": "👩‍👧 é"}
    print_json(value)
    out = capsys.readouterr().out
    check(out)
    assert json.loads(out) == value
    assert "👩‍👧 é" in out


def test_a_csv_export_shows_them() -> None:
    out = io.StringIO()
    write_csv(SafeOutput(out), ["a"], [[HOSTILE], ["two\nlines"]])
    check(out.getvalue().replace("\r\n", "\n"))
    assert '"two\nlines"' in out.getvalue()


def test_a_log_line_shows_them() -> None:
    line = mask_line(
        None, "", {"event": HOSTILE, "fields": [{"a": HOSTILE}], "other": HOSTILE.encode()}
    )
    check(f"{line}".replace("\\", ""))
    assert "\x1b" not in line["event"]


@pytest.mark.parametrize(
    "value", [DEEP, DEEP_AND_WHOLE, OBJECTS, b"1" * 5_000, b"[" * 101 + b"]" * 101]
)
def test_json_that_nobody_can_read_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested|digits|Expecting"):
        parse_json(value)


def test_every_topic_is_spoilt() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} >= set(BY_NAME) - {"sms.dead-letters"}


def test_a_terminal_obeys_rich_alone() -> None:
    out = io.StringIO()
    screen = SafeConsole(file=out, force_terminal=True, markup=False, color_system="standard")
    screen.print(table("T", ("a", "b"), [(HOSTILE, Text("\x1b]0;title\x07", style="red"))]))
    written = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue().replace("␛[31m", ""))
    check(written)
    assert "\x1b[31m" in out.getvalue(), "the red of the style is there"


@pytest.mark.broker
@pytest.mark.timeout(120)
async def test_the_last_records_of_a_topic_are_shown(fresh_cluster: str, tmp_path: Path) -> None:
    async with AIOKafkaProducer(bootstrap_servers=fresh_cluster) as producer:
        for value in UNREADABLE.values():
            await producer.send_and_wait(
                "sms.send-requests", key=HOSTILE.encode(), value=value, partition=0
            )
    for more in ([], ["--json"], ["--unmask"], ["--json", "--unmask"]):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.cli", "tail", "send-requests", "-n", "100", *more),
            *("--bootstrap", fresh_cluster, "--state", str(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
        out, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
        lines = out.decode("ascii").splitlines()
        assert len(lines) == len(UNREADABLE)
        check(out.decode())
