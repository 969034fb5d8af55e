"""`sayso number`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from schemas.base import Evidence
from schemas.numbers import mask_number
from schemas.person import NumberFact
from schemas.topics import NUMBER_FACTS
from services.cli.app import run
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.settled import settled

NUMBER = "+14155550142"


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landline = NumberFact(
        tenant="harbor",
        number=NUMBER,
        landline=True,
        message_id="m1",
        error_code="30006",
        evidence=Evidence(origin="sms.delivery-receipts@0:7"),
        at=NOON,
    )
    fill_ledger(
        tmp_path,
        (NUMBER_FACTS, NumberFact(tenant="lakeside", number=NUMBER, unreachable_at=NOON, at=NOON)),
        (NUMBER_FACTS, landline),
    )
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)


@pytest.mark.usefixtures("known")
def test_what_is_known_and_from_which_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["number", "+1 (415) 555-0142", "--tenant", "harbor"]) == 0
    said = capsys.readouterr().out
    assert "landline: yes" in said
    assert "A landline, or a carrier out of reach (30006), from m1" in said
    assert "sms.number-facts@0:1" in said
    assert "lakeside" not in said


@pytest.mark.usefixtures("known")
def test_who_confirms_says_who_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["number", NUMBER, "--confirmed", "--tenant", "harbor"]) == 2
    assert "--confirmed wants --tenant and --actor" in capsys.readouterr().err


@pytest.mark.usefixtures("known")
def test_of_one_that_nobody_has_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["number", "+14155550199"]) == 2
    assert "Nothing is on record of that number" in capsys.readouterr().err


@pytest.mark.broker
async def test_a_confirmation_goes_on_record(
    fresh_cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--bootstrap", fresh_cluster, "--state", str(tmp_path), "--json"]
    confirm = ["number", NUMBER, "--tenant", "harbor", "--confirmed", "--actor", "ann"]
    await settled(fresh_cluster, "harbor")
    assert await asyncio.to_thread(run, [*confirm, *where]) == 0
    [fact] = json.loads(capsys.readouterr().out)
    assert (fact["doubtful"], fact["landline"], fact["suppressed"]) == (False, False, False)
    assert fact["number"] == mask_number(NUMBER)
    assert fact["evidence"] == {"actor": "ann"}
