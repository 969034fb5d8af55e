"""The commands without a broker: help with examples, one sentence for what is wrong, no secrets,
masked numbers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from services.cli.app import run
from services.cli.commands import ENTRIES, load, unwrap
from services.cli.options import parse_day, parse_time
from services.cli.progress_bar import progress_bar, show_waiting
from services.local.broker import jars
from services.local.stack import SAMPLE
from services.masking import mask
from services.operations.consent import describe_document
from services.operations.errors import OperationError
from services.operations.yaml_settings import read_settings
from services.terminal import print_texts, table


def commands() -> Iterator[str]:
    for name, entry in ENTRIES.items():
        yield from leaves(name, load(entry))


def leaves(name: str, command: Any) -> Iterator[str]:
    """Groups are for finding commands; those that do something by themselves are commands too."""
    inner = getattr(command, "commands", {})
    for word, one in inner.items():
        yield from leaves(f"{name} {word}", one)
    if not inner or command.invoke_without_command:
        yield name


COMMANDS = sorted(commands())


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]):
    assert run([*command.split(), "--help"]) == 0
    example = re.search(
        r"\n *Example: (?:SAYSO_PUBLIC_URL=\S+ )?(sayso [a-z -]+)", capsys.readouterr().out
    )
    assert example
    assert example[1].startswith(f"sayso {command}")


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_no_command_offers_to_change_the_shell(name: str):
    """Typer adds options that write to the shell's start-up files, unless it is told not to."""
    options = {option for one in load(ENTRIES[name]).params for option in one.opts}
    assert not options & {"--install-completion", "--show-completion"}


def test_help_does_not_import_any_command():
    """The Kafka client, the phone number tables and the processors take a second to import."""
    code = (
        "import sys; from services.cli.app import run; run(['--help']);"
        "slow = ('aiokafka', 'faust', 'pydantic', 'services.ledger', 'services.cli.send');"
        "print([name for name in slow if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert all(f" {name} " in done.stdout for name in ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_line_of_help_is_the_docstring_of_the_command(name: str):
    assert unwrap(load(ENTRIES[name]).help).split("\n\n")[0] == ENTRIES[name].help


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            "explain m1", "No broker: run `sayso up` first, or give --bootstrap", id="no broker"
        ),
        pytest.param(
            "tail decisins", "There is no topic 'decisins'; is it decisions", id="misspelt topic"
        ),
        pytest.param("tail sms.decisins", "is it decisions", id="misspelt, with its prefix"),
        pytest.param(
            "send -t a --to 4155550100 --body x",
            "--to '4155550100' is not a phone number",
            id="no plus",
        ),
        pytest.param(
            "send -t a/b --to +14155550100 --body x", "--tenant 'a/b' cannot be used", id="tenant"
        ),
        pytest.param(
            "send -t a --to +14155550100 --body x --kind z", "--kind 'z' is not known", id="kind"
        ),
        pytest.param(
            "send -t a --to +14155550100 --body x --message-id a/b",
            "--message-id 'a/b'",
            id="message id",
        ),
        pytest.param(
            "send -t a --to +14155550100 --body x --valid-until 2026-12-01T09:00",
            "a time with its zone",
            id="no zone",
        ),
        pytest.param("send -t a --to +14155550100", "Missing option '--body'", id="missing option"),
        pytest.param(
            "consent in +14155550100 -t a", "An opt-in needs proof", id="opt-in without proof"
        ),
        pytest.param(
            "consent in +14155550100 -t a --actor ann --file nowhere.pdf",
            "--file nowhere.pdf cannot be read: No such",
            id="no scan",
        ),
        pytest.param(
            "consent resolve +14155550100 -t a", "Missing option '--actor'", id="resolved by nobody"
        ),
        pytest.param("consent show 12", "'12' is not a phone number", id="consent of no number"),
        pytest.param("usage --by colour", "--by 'colour' is not a column", id="unknown column"),
        pytest.param(
            "usage --to 2026-11-20 --from 2026-11-21",
            "2026-11-21 is after --to 2026-11-20",
            id="backwards",
        ),
        pytest.param(
            "box ready --since 2026-11-21 --until 2026-11-20",
            "after --until",
            id="backwards, of a mailbox",
        ),
        pytest.param("balance --hours 99999999999", "--hours", id="longer than there are years"),
        pytest.param(
            "consent audit --pending-days 99999999999", "--pending-days", id="days, likewise"
        ),
        pytest.param(
            "usage --jsn",
            "; is it one of --as, --json, --since? (see: sayso usage --help)",
            id="misspelt",
        ),
        pytest.param(
            "explan",
            "No such command 'explan'; did you mean 'explain'? (see: sayso",
            id="misspelt command",
        ),
        pytest.param(
            "usage --as xml",
            "'--as': 'xml' is not one of 'table', 'csv', 'jsonl' (see",
            id="unknown form",
        ),
        pytest.param(
            "demo --requests 5",
            "'--requests': it must be greater than or equal to 30 (see",
            id="too few",
        ),
        pytest.param(
            "lag --every often", "'--every': it must be a valid number (see", id="no number"
        ),
        pytest.param(
            "up now", "Not understood: now (see: sayso up --help)", id="an argument too many"
        ),
        pytest.param(
            "usage --bootstrap localhost:abc", "'localhost:abc' is not a HOST:PORT", id="no port"
        ),
        pytest.param(
            "lag --bootstrap kafka-1:9092,kafka-2:99999",
            "'kafka-2:99999' is not a",
            id="no such port",
        ),
        pytest.param("up --bootstrap :9092", "':9092' is not a HOST:PORT", id="no host"),
        pytest.param(
            f"usage --state {__file__}", "test_cli.py' is not a folder", id="a file for a folder"
        ),
        pytest.param(
            f"keys add -t a --state {__file__}/x", "cannot be made:", id="a folder in a file"
        ),
        pytest.param(
            "up --state /proc/x", "--state /proc/x cannot be used:", id="a folder that cannot be"
        ),
        pytest.param(
            "keys add -t a --state /proc/x", "/proc/x cannot be used:", id="keys in such a folder"
        ),
        pytest.param(
            "demo --simulator here --bootstrap k:1", "'here' is not a URL such as", id="no URL"
        ),
        pytest.param(
            f"keywords --score {__file__}",
            "test_cli.py, line 1: there is no column",
            id="no labelled texts",
        ),
        pytest.param("worker kitchen", "There is no processor 'kitchen'", id="unknown room"),
        pytest.param("up --provider pigeon", "use simulator, twilio", id="unknown provider"),
        pytest.param("up --provider twilio", "TWILIO_AUTH_TOKEN", id="twilio without credentials"),
        pytest.param(
            "tenants apply nowhere.yaml", "nowhere.yaml cannot be read: No such file", id="no file"
        ),
        pytest.param("nonsense", "No such command 'nonsense'", id="unknown command"),
    ],
)
def test_invalid_usage_is_one_sentence_and_exit_code_2(
    arguments: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SAYSO_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    assert run(arguments.split()) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        "topics list",
        "usage",
        "tail decisions",
        "send -t a --to +14155550100 --body x",
        "tenants list",
        "explain m1",
    ],
)
def test_a_broker_that_does_not_answer_is_one_sentence(
    arguments: str, capsys: pytest.CaptureFixture[str]
):
    assert run([*arguments.split(), "--bootstrap", "127.0.0.1:9"]) == 1
    said = capsys.readouterr()
    assert "Kafka" in said.err
    assert "127.0.0.1:9" in said.err
    assert said.err.count("\n") == 1


ANY = "+14155550100"
A_DAY, A_TIME = (
    "is not a day: write it as 2026-11-20",
    "is not a time with its zone: write it as 2026-11-20T17:00Z",
)


@pytest.mark.parametrize(
    ("arguments", "option", "written", "words"),
    [
        *(
            pytest.param(
                f"{command} {option} {written}",
                option,
                written,
                A_DAY,
                id=f"{command} {option} {written}",
            )
            for command, options in (
                ("usage", ("--from", "--to", "--since", "--until")),
                ("usage --log", ("--from",)),
                *(
                    (one, ("--since", "--until"))
                    for one in ("box ready", "approve", "reject", "send-now", "dismiss")
                ),
            )
            for option in options
            for written in ("2026-11-31",)
        ),
        *(
            pytest.param(
                f"{command} {option} {written}", option, written, A_TIME, id=f"{option} {written}"
            )
            for command, options in (
                ("explain m1", ("--as-of",)),
                (f"send -t a --to {ANY} --body x", ("--not-before", "--valid-until", "--event-at")),
            )
            for option in options
            for written in ("2026-12-01T09:00",)
        ),
    ],
)
def test_every_option_for_a_day_or_a_time_says_the_same(
    arguments: str, option: str, written: str, words: str, capsys: pytest.CaptureFixture[str]
):
    assert run(arguments.split()) == 2
    said = capsys.readouterr().err
    assert words in said
    assert option in said
    assert repr(written) in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "written", ["", "yesterday", "2026-11-31", "2026-11-20T10:00", "20261120", "2026-11"]
)
def test_an_invalid_day(written: str):
    with pytest.raises(typer.BadParameter, match=A_DAY):
        parse_day(written)


@pytest.mark.parametrize(
    "written", ["", "tomorrow", "17:00Z", "2026-12-01T09:00", "0001-01-01T00:00+14:00"]
)
def test_an_invalid_time(written: str):
    with pytest.raises(typer.BadParameter, match=A_TIME):
        parse_time(written)


def test_days_and_times_are_parsed():
    assert parse_day(" 2026-11-20 ") == date(2026, 11, 20)
    assert (
        parse_time("2026-11-20T12:00-05:00")
        == parse_time("2026-11-20T17:00Z")
        == datetime(2026, 11, 20, 17, tzinfo=UTC)
    )


def test_a_pipe_gets_no_bar_and_no_blank_line(capsys: pytest.CaptureFixture[str]):
    with progress_bar("messages", 2) as moved, show_waiting("an answer"):
        moved(1)
        moved(2, 2)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_progress_bar(monkeypatch: pytest.MonkeyPatch):
    """Through a terminal of its own, for Rich asks the system what it writes to."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("services.cli.progress_bar.LATE", 0.0)
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen, os.fdopen(theirs, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with progress_bar("messages", 20) as moved:
            moved(7)
            said = b""
            while b"7/20" not in said and len(said) < 100_000:  # it is drawn ten times a second
                said += screen.read(4096)
    assert b"messages" in said


@pytest.mark.parametrize("width", [24, 40, 60, 200])
def test_a_table_cuts_nothing_off_on_a_narrow_screen(width: int):
    """Half a number would be another number."""
    said = io.StringIO()
    cells = ("demo-client:again-548821c7718f", "+12125550123", "72976")
    Console(file=said, width=width).print(table(None, ("message", "to", "sender#"), [cells]))
    lines = said.getvalue().splitlines()
    assert sorted("".join(lines).replace(" ", "")) == sorted(
        "".join(("message", "to", "sender", *cells))
    )
    assert max(len(line.rstrip()) for line in lines) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_cells_with_blanks_are_not_cut_off_either(width: int):
    """Rich takes the longest word of a cell for its least width, also where nothing is folded."""
    said = io.StringIO()
    columns = ("task", "words", "due", "kind", "state")
    cells = ("docs", "own words, 12", "2026-11-29 09:13", "transactional", "1 arrived, 1 failed")
    Console(file=said, width=width).print(table("Tasks", columns, [cells, cells]))
    shown = said.getvalue().replace("Tasks", "")
    assert Counter("".join(shown.split())) == Counter(
        "".join((*columns, *cells, *cells)).replace(" ", "")
    )


@pytest.mark.parametrize(("width", "below"), [(60, True), (200, False)])
def test_a_text_is_read_below_its_line_on_a_narrow_screen(
    width: int, below: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("services.terminal.console", lambda: Console(width=width))
    text = "Ana, your hearing is tomorrow at 9:00 AM. Reply C to confirm."
    print_texts(("name", "leaves", "segments#", "", "text"), [("Ana", "9:00", 1, "", text)], "text")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    if below:
        assert lines[0] == "Ana  leaves 9:00  segments 1"
        assert " ".join(line.strip() for line in lines[1:]) == text
    else:
        assert lines[0].split() == ["name", "leaves", "segments", "text"]
        assert text in lines[1]


def test_version_names_sayso_python_and_kafka(capsys: pytest.CaptureFixture[str]):
    assert run(["--version"]) == 0
    said = capsys.readouterr().out
    assert re.fullmatch(
        r"sayso \S+, Python 3\.[0-9.]+\S*, embedded broker Apache Kafka [0-9.]+\n", said
    )
    assert (
        f"Kafka {next(jar.version for jar in jars.read_lock() if jar.artifact == 'kafka-clients')}"
        in said
    )


def test_help_drops_the_line_ends_of_its_docstring(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "600")
    assert run(["consent", "resolve", "--help"]) == 0
    said = capsys.readouterr().out
    assert "If it was a STOP: sayso consent out." in said
    assert re.search(r"\n *Example: sayso consent resolve", said)


def test_a_scan_goes_on_record_by_its_name_and_digest(tmp_path: Path) -> None:
    scan = tmp_path / "intake-17.pdf"
    scan.write_bytes(b"signed")
    assert (
        describe_document(None, scan)
        == f"intake-17.pdf sha256:{hashlib.sha256(b'signed').hexdigest()}"
    )
    assert (
        describe_document("cabinet 4", scan)
        == f"cabinet 4 sha256:{hashlib.sha256(b'signed').hexdigest()}"
    )
    assert describe_document("cabinet 4", None) == "cabinet 4"
    assert describe_document(None, None) is None


def declared(folder: Path, text: str) -> list[TenantSettings]:
    file = folder / "t.yaml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, "tenants", TenantSettings)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param(
            "tenants:\n- tenant: a\n  name: A\n", 2, "sender: this is missing", id="missing"
        ),
        pytest.param(
            "tenants:\n- tenant: a\n  name: A\n  sender: 72976\n",
            4,
            '"72976"',
            id="number without quotes",
        ),
        pytest.param(
            'tenants:\n- tenant: a\n  name: A\n  sender: "1"\n  colour: red\n',
            5,
            "not a setting",
            id="extra",
        ),
        pytest.param(
            'tenants:\n- tenant: a\n  name: A\n  sender: "1"\n  branches:\n    b: {nmae: x}\n',
            6,
            "branches.b.nmae: this is not a setting",
            id="extra, deeper",
        ),
        pytest.param(
            'tenants:\n- tenant: a\n  name: A\n  sender: "1"\n  time_zone: Mars/Base\n',
            5,
            "IANA",
            id="unknown zone",
        ),
        pytest.param(
            'tenants:\n- tenant: a\n  name: A\n  sender: "1"\n  consent_request:\n    wording: "{company}"\n',
            6,
            "the opt-in request must say what the texts are for: {purpose} is missing",
            id="a part missing",
        ),
        pytest.param(
            'tenants:\n- tenant: a\n  name: A\n  sender: "1"\n  consent_request: {rates: " "}\n',
            5,
            "must say what they may cost: rates is missing",
            id="a part empty",
        ),
        pytest.param("tenants:\n- tenant: a\n  name: A\n  name: B\n", 4, "twice", id="twice"),
        pytest.param(
            "tenants:\n- tenant: a\n  auth_token: x\n", 3, "secret", id="a secret by its name"
        ),
        pytest.param(
            f"tenants:\n- tenant: a\n  name: {'0f' * 16}\n", 3, "secret", id="a secret by its looks"
        ),
        pytest.param("tenants:\n- tenant: [\n", 3, "not YAML", id="not YAML"),
        pytest.param("tennants: []\n", 1, "`tennants` is not known", id="unknown section"),
    ],
)
def test_a_mistake_in_a_settings_file_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, words: str
):
    with pytest.raises(OperationError) as refused:
        declared(tmp_path, text)
    assert f"t.yaml, line {line}: " in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["", "just words", "senders: []", "tenants: {}", "\0"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str):
    with pytest.raises(OperationError, match=r"t\.yaml"):
        declared(tmp_path, text)


def test_the_sample_is_valid_and_its_sender_is_its_tenants():
    tenants, senders = (
        read_settings(SAMPLE, "tenants", TenantSettings),
        read_settings(SAMPLE, "senders", Sender),
    )
    assert {tenant.sender for tenant in tenants} <= {sender.sender for sender in senders}
    assert {name for sender in senders for name in sender.tenants} <= {
        tenant.tenant for tenant in tenants
    }


def test_masking_hides_numbers_and_texts_wherever_they_are():
    record = {
        "key": "acme/+14155550100",
        "message": {
            "to": "+14155550100",
            "body": "a secret",
            "sender": "+18005550199",
            "findings": [{"reason": "+14155550100 said STOP"}],
            "raw": {"To": "+14155550100", "Body": "STOP"},
        },
    }
    shown = json.dumps(mask(record), ensure_ascii=False)
    assert "4155550100" not in shown
    assert "a secret" not in shown
    assert "STOP" not in shown.replace("said STOP", "")
    assert "+141••••0100" in shown
    assert "+18005550199" in shown, "our own sender is no secret"
