"""`sayso alerts`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.outcome import Alert
from schemas.send_request import Dismissal
from schemas.topics import ALERTS, DISMISSALS
from services.cli.app import run
from tests.adapters.ledger_filler import NOON, fill_ledger

NUMBER = "+14155550142"
SOON = datetime.now(UTC)
"""The command goes by the real clock; hours lie between what it tells apart."""


def alert(message_id: str, **more: Any) -> tuple[Any, Alert]:
    known: dict[str, Any] = {
        "tenant": "harbor",
        "message_id": message_id,
        "kind": "reminder",
        "to": NUMBER,
        "at": NOON,
        "state": "failed",
        "says": f"the reminder {message_id} did not arrive: call them",
        "urgency": "normal",
        "version": 1,
    }
    return ALERTS, Alert(**known | more)


def due(hours: float) -> dict[str, datetime]:
    at = SOON + timedelta(hours=hours)
    return {"event_at": at, "before": at}


@pytest.fixture(autouse=True)
def _on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_ledger(
        tmp_path,
        alert("over", **due(-3)),
        alert("nobody-knows"),
        alert("tomorrow", **due(20)),
        alert("at-once", **due(2)),
        alert("next-week", **due(150)),
        alert("again", **due(1)),
        alert("again", **due(1), open=False, closed_by="m2", at=NOON + timedelta(minutes=1)),
        alert("theirs", tenant="lakeside", **due(3)),
        alert("seen", **due(1)),
        (DISMISSALS, Dismissal(tenant="harbor", message_id="seen", by="ann", at=NOON)),
        at=SOON,
    )
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)


def told(capsys: pytest.CaptureFixture[str], *options: str) -> list[tuple[str, str]]:
    assert run(["alerts", "--json", *options]) == 0
    return [(one["message_id"], one["urgency"]) for one in json.loads(capsys.readouterr().out)]


def test_the_most_urgent_is_first_and_what_is_done_with_is_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(capsys) == [
        ("at-once", "now"),
        ("theirs", "now"),
        ("tomorrow", "soon"),
        ("nobody-knows", "normal"),
        ("next-week", "normal"),
        ("over", "passed"),
    ]


def test_of_one_tenant_or_also_the_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--tenant", "lakeside") == [("theirs", "now")]
    assert {("again", "now"), ("seen", "now")} <= {*told(capsys, "--all")}


def test_numbers_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts"]) == 0
    said = capsys.readouterr().out
    assert "the reminder at-once did not arrive: call them" in said
    assert NUMBER not in said
    assert run(["alerts", "--unmask"]) == 0
    assert NUMBER in capsys.readouterr().out


def test_nothing_is_said_to_be_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts", "--tenant", "acme"]) == 0
    assert "Nothing: no text that failed leaves anybody" in capsys.readouterr().out
