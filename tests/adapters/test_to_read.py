"""`sayso box to-read`: replies that may be opt-outs, with their age; and their metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.consent import ConsentChange, ConsentStatus
from schemas.topics import CONSENT_LOG, CONSENT_STATUS
from services.cli.app import run
from services.ledger.ledger import FILE
from services.ledger.questions import list_questions, measure_questions
from tests.adapters.ledger_filler import LedgerFiller

ANA, BEN = "+14155550100", "+14155550101"
HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)


class Books(LedgerFiller):
    def wrote(self, number: str, text: str | None, event_id: str, hours: int) -> None:
        at = NOW - hours * HOUR
        entry: dict[str, Any] = {
            "tenant": "acme",
            "number": number,
            "event_id": event_id,
            "action": "maybe_revoked",
            "source": "inbound",
            "was": "opted_in",
            "now": "opted_in",
            "applied": True,
            "reason": "it may be an opt-out",
            "consent_epoch": 2,
            "claimed_at": at,
            "at": at,
            "evidence": {"text": text} if text else {},
            "read_by": "fr:fin",
        }
        self.add(CONSENT_LOG, ConsentChange.model_validate(entry))

    def status(self, number: str, event_id: str | None, hours: int = 0) -> None:
        since = NOW - hours * HOUR
        question = {
            "since": since,
            "opt_out_at": since + 48 * HOUR,
            "event_id": event_id,
            "read_by": "fr:fin",
        }
        known = {
            "tenant": "acme",
            "number": number,
            "state": "opted_in",
            "consent_epoch": 2,
            "since": since,
            "source": "form",
            "held": 3,
            "in_question": question if event_id else None,
        }
        self.add(CONSENT_STATUS, ConsentStatus.model_validate(known))


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    monkeypatch.setenv("SAYSO_STATE", str(tmp_path))
    monkeypatch.delenv("SAYSO_BOOTSTRAP", raising=False)
    opened = Books(tmp_path / FILE)
    yield opened
    opened.store.close()


def test_the_oldest_first_with_all_that_they_wrote_since(books: Books) -> None:
    books.wrote(ANA, "para", "e0", hours=90)
    books.wrote(BEN, "fin", "e1", hours=2)
    books.wrote(ANA, "alto", "e2", hours=5)
    books.wrote(ANA, "fin", "e3", hours=1)
    books.status(BEN, "e1", hours=2)
    books.status(ANA, "e2", hours=5)
    found = list_questions(books.ledger)
    assert [(one.number, one.texts, one.held) for one in found] == [
        (ANA, ("alto", "fin"), 3),
        (BEN, ("fin",), 3),
    ]
    assert list_questions(books.ledger, "bolt") == ()
    assert measure_questions(books.ledger) == (2, NOW - 5 * HOUR)


def test_what_is_answered_is_not_in_it(books: Books) -> None:
    books.status(ANA, "e1")
    books.status(ANA, None)
    assert list_questions(books.ledger) == ()
    assert measure_questions(books.ledger) == (0, None)


def test_the_command_shows_the_text_and_masks_the_number(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    books.wrote(ANA, "alto", "e2", hours=5)
    books.status(ANA, "e2", hours=5)
    assert run(["box", "to-read", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["texts"], one["read_by"], one["held"]) == (["alto"], "fr:fin", 3)
    assert one["age_seconds"] >= 5 * 3600
    assert one["number"] != ANA
    assert run(["box", "to-read", "--unmask"]) == 0
    shown = capsys.readouterr().out
    assert "alto" in shown
    assert "consent go-on" in shown


def test_an_empty_box_and_wrong_filters(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["box", "to-read"]) == 0
    assert "Nothing is in it" in capsys.readouterr().out
    assert run(["box", "to-read", "--branch", "south"]) == 2
    assert run(["box", "inbox"]) == 2
    assert "to-read" in capsys.readouterr().err


def test_consent_show_says_what_is_in_question(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    books.wrote(ANA, "alto", "e2", hours=5)
    books.status(ANA, "e2", hours=5)
    assert run(["consent", "show", ANA]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "in question since" in shown
    assert run(["consent", "history", "--number", ANA, "--json"]) == 0
    (log,) = json.loads(capsys.readouterr().out)
    assert log["entries"][0]["entry"]["read_by"] == "fr:fin"
