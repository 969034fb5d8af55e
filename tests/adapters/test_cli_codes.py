"""`sayso codes`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.outcome import Outcome
from schemas.topics import OUTCOMES
from services.cli.app import run
from tests.adapters.ledger_filler import NOON, fill_ledger


def test_one_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codes", "30005"]) == 0
    said = capsys.readouterr().out
    for words in (
        "Common causes",
        "A typing error",
        "1. Confirm the number",
        "test SMS",
        "errors/30005",
    ):
        assert words in said


def test_an_unknown_one_is_shown_with_its_link(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codes", "99999"]) == 0
    said = capsys.readouterr().out
    assert "not in our dictionary" in said
    assert "https://www.twilio.com/docs/api/errors/99999" in said


def test_a_class_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codes", "--class", "number", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {code["class"] for code in told} == {"number"}
    assert {"30005", "30006", "21211"} <= {code["code"] for code in told}
    assert run(["codes", "--class", "number"]) == 0
    assert "Not a mobile number" in capsys.readouterr().out


def test_all_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) > 312
    assert all(
        code[field]
        for code in told
        for field in ("code", "title", "description", "class", "next_step")
    )


def test_a_class_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codes", "--class", "weather"]) == 2
    assert "use recipient, number, consent" in capsys.readouterr().err


def test_codes_that_nobody_has_explained_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(
        tmp_path,
        *(
            (OUTCOMES, failed(f"m{n}", code))
            for n, code in enumerate(["30005", "39999", "39999", None])
        ),
    )
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)
    assert run(["codes", "--unknown", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(code["code"], code["messages"]) for code in told] == [("39999", 2)]
    assert run(["codes", "--unknown"]) == 0
    assert "https://www.twilio.com/docs/api/errors/39999" in capsys.readouterr().out


def failed(message_id: str, code: str | None) -> Outcome:
    return Outcome(
        message_id=message_id,
        tenant="acme",
        kind="direct",
        requested_at=NOON,
        state="failed",
        error_code=code,
        final=True,
        version=1,
        at=NOON,
    )
