"""What nobody knows is exit code 2 and one sentence, whichever command is asked: nothing is
written for it, and it is not answered as if nothing ever happened."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path

import pytest

from schemas.dead_letter import DeadLetter, DeadLetterCause
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import (
    CONSENT_EVENTS,
    DEAD_LETTERS,
    NUMBER_FACTS,
    PERSON_EVENTS,
    SEND_REQUESTS,
    SENDERS,
    SETTINGS,
)
from services.cli.app import run
from services.console.api.keys import ApiKeys
from services.operations.dead_letters import CAUSES
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.ledger_messages import ANA, make_history
from tests.adapters.settled import settled
from tests.adapters.topics import records

ROOT = Path(__file__).parents[2]
LETTER = DeadLetter(
    room="gate",
    topic="sms.send-requests",
    partition=0,
    offset=3,
    timestamp=NOON,
    cause="of_tomorrow",
    value=base64.b64encode(b"{}").decode(),
    reason="it is of tomorrow",
    at=NOON,
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house that was left: one tenant with settings, one that has only traces, one dead
    letter."""
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)
    fill_ledger(
        tmp_path,
        (SETTINGS, TenantSettings(tenant="acme", name="Acme", sender="72975")),
        (SENDERS, Sender(sender="72975", kind="short_code", segments_per_second=10, owner="acme")),
        *make_history("m1"),
        *make_history("m2", tenant="gone"),
        (DEAD_LETTERS, LETTER),
    )
    return tmp_path


TENANT = "There is no tenant 'acmee': did you mean 'acme'?"
MESSAGE = "No message 'm9' is on record"
LETTERS = "There is no letter 9-9"
UNKNOWN = [
    *(
        (f"{command} -t acmee", TENANT)
        for command in (
            "alerts",
            "balance",
            "box ready",
            "approve --all",
            "reject --all",
            "send-now --all",
            "dismiss --all",
            "consent audit",
            f"consent show {ANA}",
            f"consent history -n {ANA}",
            "doubt list",
            "explain m1",
            f"number {ANA}",
            "people show p1",
            "usage",
            "usage --log",
            "usage --check",
            "waiting",
            "keywords",
            "keys list",
            "keys add",
            "resend m1",
            "test p1",
            "case list",
            "case show 8841",
            "case open 8841 --title X",
            "case preview 8841 docs",
            "text 8841 p1 Hello",
            "inbox",
            f"thread {ANA}",
        )
    ),
    *(
        (f"{command} m9", MESSAGE)
        for command in (
            "explain",
            "approve",
            "reject",
            "send-now",
            "dismiss",
            "resend",
            "escalate --out bundle.json",
        )
    ),
    *(
        (f"{command} 9-9", LETTERS)
        for command in ("dlq show", "dlq fix", "dlq replay", "dlq drop --reason x")
    ),
    *(
        (f"dlq {command} --cause nope", "--cause 'nope' is not known: use invalid, too_large")
        for command in ("list", "replay --all", "drop --all --reason x")
    ),
    ("dlq list --topic nope", "There is no topic 'nope'"),
    ("tail nope", "There is no topic 'nope'"),
    ("box nope", "There is no mailbox 'nope'"),
    ("keys revoke nope", "There is no key 'nope'"),
    ("case show nope", "There is no case 'nope'"),
    ("inbox --assigned nope -t nope", "There is no tenant 'nope'"),
    ("people show nope", "Nobody is on record as 'nope'"),
    ("test nope", "Nobody is on record as 'nope'"),
    (f"consent show {ANA}", "Nothing is on record of that number"),
    (f"consent history -n {ANA}", "Nothing is on record of that number"),
    ("codes --class nope", "--class 'nope' is not known: use"),
    ("usage --kind nope", "--kind 'nope' is not known: use transactional"),
    (f"number {ANA}", "Nothing is on record of that number"),
    ("usage --sender nope", "--sender 'nope' is not known: use 72975"),
    ("usage --state-is nope", "--state-is 'nope' is not known: use"),
]


@pytest.mark.parametrize(("arguments", "words"), [pytest.param(*one, id=one[0]) for one in UNKNOWN])
def test_what_nobody_knows_is_exit_code_2(
    arguments: str, words: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments.split()) == 2
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if not line.startswith("No broker is running")]
    assert len(lines) == 1, said.err
    assert words in lines[0]
    assert said.out == ""
    assert ApiKeys(state).all() == ()


@pytest.mark.parametrize("tenant", ["acme", "gone"])
def test_a_tenant_with_settings_or_records_is_known(
    tenant: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["usage", "-t", tenant, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["requested"] == 1


def test_a_cause_that_is_only_on_record_is_accepted(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dlq", "list", "--cause", "of_tomorrow", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert run(["dlq", "list", "--cause", "tombstone"]) == 0


def test_every_cause_of_a_dead_letter_has_words() -> None:
    """Those that are declared, and those that the code spells itself."""
    assert CAUSES.keys() == set(DeadLetterCause)
    code = "".join(file.read_text() for file in (ROOT / "streams").rglob("*.py"))
    given = re.findall(
        r'build_dead_letter\(\s*"\w+", record, (?:draft\.)?now, "(\w+)"'
        r'|UnreadableRecord\(\s*cause="(\w+)"',
        code,
    )
    assert {one or other for one, other in given} <= CAUSES.keys()


def test_without_any_settings_every_tenant_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)
    assert run(["keys", "add", "-t", "anybody", "--state", str(tmp_path)]) == 0
    assert [key.tenant for key in ApiKeys(tmp_path).all()] == ["anybody"]


@pytest.mark.broker
async def test_nothing_is_written_for_a_tenant_that_there_is_not(
    fresh_cluster: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SAYSO_BOOTSTRAP", fresh_cluster)
    people, consents = tmp_path / "people.csv", tmp_path / "consents.csv"
    people.write_text(f"person_id,number\np1,{ANA}\n")
    consents.write_text(f"number,date,source,proof\n{ANA},2025-11-03,paper,box 7\n")

    async def said(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(run, [*words])
        return code, capsys.readouterr().err.strip()

    send = ("send", "--to", ANA, "--body", "Hello", "-t")
    nobody = "There is no tenant 'acmee', nor any other yet: sayso tenants apply FILE.yaml"
    assert await said(*send, "acmee") == (2, nobody)
    await settled(fresh_cluster, "acme", "bolt")
    for command in (
        send,
        ("consent", "in", ANA, "--document", "d", "--actor", "ann", "-t"),
        ("consent", "out", ANA, "-t"),
        ("consent", "resolve", ANA, "--actor", "ann", "-t"),
        ("consent", "go-on", ANA, "--actor", "ann", "-t"),
        ("consent", "ask", ANA, "-t"),
        ("consent", "import", str(consents), "-t"),
        ("people", "import", str(people), "-t"),
        ("number", ANA, "--confirmed", "--actor", "ann", "-t"),
        ("keys", "add", "-t"),
    ):
        assert await said(*command, "acmee") == (2, TENANT), command
    for topic in (SEND_REQUESTS, CONSENT_EVENTS, PERSON_EVENTS, NUMBER_FACTS):
        assert await records(fresh_cluster, topic) == []
    assert not ApiKeys(tmp_path / "state").all()
    assert (await said(*send, "acme"))[0] == 0
    assert len(await records(fresh_cluster, SEND_REQUESTS)) == 1


@pytest.mark.broker
@pytest.mark.parametrize(
    "command",
    [
        ("send", "--to", ANA, "--body", "Hello", "-t", "acme"),
        ("tenants", "apply", "services/local/sample.yaml"),
        ("lag",),
        ("usage",),
    ],
)
def test_a_kafka_without_our_topics_is_not_taken_for_a_slow_one(
    empty_broker: str,
    command: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("SAYSO_STATE", raising=False)
    assert run([*command, "--bootstrap", empty_broker, "--state", str(tmp_path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    (said,) = [line for line in lines if "there is no ledger" not in line]
    assert f"Kafka at {empty_broker} does not have " in said
    assert "run `sayso topics apply` first" in said
