"""How senders are doing, as `sayso senders` shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.controls import Pause, Resume
from schemas.send import Priority
from schemas.sender import PriorityDepth, Sender, SenderError, SenderState, SenderStatus
from schemas.topics import DISPATCH_CONTROLS, SENDER_STATUS, SENDERS
from services.cli.app import run
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.sender_overview import find_last_control
from tests.adapters.test_consent_audit import NOON, ConsentFiller

STATUS = SenderStatus(
    sender="24365",
    state=SenderState.PAUSED,
    paused_by="ann",
    pace=10.0,
    later=3,
    drain_seconds=90.0,
    in_flight=2,
    queued=(
        PriorityDepth(lane=Priority.REPLY, messages=1, segments=1),
        PriorityDepth(lane=Priority.MARKETING, messages=700, segments=899),
    ),
    in_doubt=1,
    last_error=SenderError(code="20429", at=NOON),
    at=NOON,
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    books = ConsentFiller(tmp_path)
    for sender in ("24365", "36524"):
        books.add(SENDERS, Sender(sender=sender, kind="short_code", owner="acme"))
    books.add(SENDER_STATUS, STATUS.model_copy(update={"state": SenderState.RUNNING}))
    books.add(SENDER_STATUS, STATUS)
    books.store.close()
    return tmp_path


def test_every_sender_with_its_queue_pace_doubts_and_last_error(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["senders", "--state", str(state)]) == 0
    said = capsys.readouterr().out
    lines = {
        line.split()[0]: line
        for line in said.splitlines()
        if line.startswith(("24365  ", "36524  "))
    }
    assert lines["24365"].split() == [
        "24365",
        "paused",
        "10",
        "900",
        "1.5",
        "2",
        "1",
        "20429",
        "at",
        "11-21",
        "12:00",
    ]
    assert "24365 is paused by ann: sayso senders resume 24365" in said
    assert "3 texts of 24365 wait for a time of their own" in said
    assert "not used yet" in lines["36524"]
    assert "sayso doubt list" in said
    assert "\x1b" not in said, "plain in a pipe"


def test_a_queue_of_which_nothing_is_heard_is_remarked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = ConsentFiller(tmp_path)
    books.add(SENDER_STATUS, STATUS.model_copy(update={"state": SenderState.RUNNING}))
    books.store.close()
    assert run(["senders", "--state", str(tmp_path)]) == 0
    assert "Dispatch has not reported on 24365 since 12:00:00 UTC" in capsys.readouterr().out


def test_as_json(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["senders", "--json", "--state", str(state)]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (
        first["state"],
        first["queued_segments"],
        first["drain_seconds"],
        first["in_doubt"],
    ) == (
        "paused",
        900,
        90,
        1,
    )
    assert (second["sender"], second["state"], second["pace"]) == ("36524", "not used yet", 100)


@pytest.mark.parametrize("option", ["--state", "--bootstrap"])
def test_an_option_before_the_command_is_not_lost_in_silence(
    state: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["senders", option, str(state), "pause", "24365"]) == 2
    assert f"Put {option} behind the command" in capsys.readouterr().err


def test_nothing_is_paused_without_a_broker(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["senders", "pause", "24365", "--state", str(state)]) == 2
    assert "No broker" in capsys.readouterr().err


def test_the_last_control_counts_not_what_has_been_done(tmp_path: Path) -> None:
    books = ConsentFiller(tmp_path)
    books.add(DISPATCH_CONTROLS, Pause(sender="24365", by="ann", at=NOON))
    books.add(DISPATCH_CONTROLS, Resume(sender="24365", by="bob", at=NOON))
    books.add(DISPATCH_CONTROLS, Pause(sender="36524", by="ann", at=NOON))
    books.store.close()
    ledger = Ledger.open(tmp_path / FILE)
    words = [find_last_control(ledger, sender) for sender in ("24365", "36524", "999")]
    ledger.close()
    assert [word and (word.paused, word.by) for word in words] == [
        (False, "bob"),
        (True, "ann"),
        None,
    ]


RESTING = STATUS.model_copy(
    update={
        "state": SenderState.RESTING,
        "paused_by": None,
        "last_error": SenderError(code="20003", at=NOON),
    }
)


def test_a_resting_sender_says_what_the_provider_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path
    books = ConsentFiller(state)
    books.add(SENDER_STATUS, RESTING)
    books.store.close()
    assert run(["senders", "--state", str(state)]) == 0
    said = capsys.readouterr().out
    assert "24365 rests, for 20003: The provider does not accept our password." in said
    assert "Have the provider login checked now" in said
    assert run(["senders", "--state", str(state), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)[0]
    assert data["last_error"]["code"] == "20003"
    assert data["last_error"]["title"] == "The provider does not accept our password"
