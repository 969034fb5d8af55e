"""`sayso explain` for texts of a case, and `sayso alerts` for those that came too late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.case import CaseText
from schemas.outcome import Alert
from schemas.person import PersonCancel, PersonRequest
from schemas.topics import ALERTS, CASE_TEXTS, DISMISSALS, PERSON_CANCELS, PERSON_REQUESTS
from services.cli.app import run
from tests.adapters.case_ledger import MARIA, NOW, Office, open_office
from tests.adapters.ledger_filler import make_record
from tests.adapters.ledger_messages import make_decision, make_outcome, make_request
from tests.core.cases.world import ANA, CaseHarness, build_case, recipe, template, utc

REMINDER: dict[str, Any] = {
    "event_id": "hearing-1",
    "event_starts_at": "2026-12-02T09:00",
    "recipe": "day-before",
    "recipe_version": "0b1c2d3e4f50",
    "template": "hearing",
    "language": "es",
    "due_at": NOW,
}
MADE_BY = (
    "Made by case 8841, recipe day-before (version 0b1c2d3e4f50), event hearing-1 at"
    " 2026-12-02T09:00, template hearing in es, for maria"
)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    opened = open_office(tmp_path, monkeypatch, tenant="acme")
    opened.settle()
    yield opened
    opened.store.close()


def explain(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["explain", *words]) == 0
    return " ".join(capsys.readouterr().out.split())


def deliver(office: Office, message_id: str, **decided: Any) -> None:
    of = {"tenant": "harbor", "to": MARIA}
    office.add(*make_request(message_id, **of))
    office.add(*make_decision(message_id, **of, **decided))
    office.add(*make_outcome(message_id, **of))


def test_what_made_a_reminder_is_named(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.text("t-1", "maria", "requested", **REMINDER)
    deliver(office, "t-1")
    assert MADE_BY in explain(capsys, "t-1")
    assert run(["explain", "t-1", "--json"]) == 0
    origin = json.loads(capsys.readouterr().out)["origin"]
    assert {name: origin[name] for name in ("case_id", "recipe", "event_id", "template")} == {
        "case_id": "8841",
        "recipe": "day-before",
        "event_id": "hearing-1",
        "template": "hearing",
    }


def test_a_task_is_named(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.text("t-1", "maria", "requested", task_id="docs", template="bring")
    deliver(office, "t-1")
    assert "Made by case 8841, task docs, template bring, for maria" in explain(capsys, "t-1")


def test_a_text_that_moved_to_another_number_keeps_its_origin(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """The case asked under the id without the move."""
    office.text("t-1", "maria", "requested", **REMINDER)
    asked = {
        "message_id": "t-1",
        "tenant": "harbor",
        "person_id": "maria",
        "kind": "reminder",
        "body": "Hearing",
        "requested_at": NOW,
    }
    office.add(PERSON_REQUESTS, PersonRequest.model_validate(asked))
    deliver(office, "t-1:moved-2", request_id="t-1")
    shown = explain(capsys, "t-1:moved-2")
    assert MADE_BY in shown
    assert "person request" in shown
    office.text("t-2", "luis", "requested", task_id="docs")
    assert "luis" not in explain(capsys, "t-1:moved-2")


def test_a_text_that_was_taken_back_says_by_whom(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.text("t-1", "maria", "requested", **REMINDER)
    cancel = {
        "tenant": "harbor",
        "person_id": "maria",
        "request_id": "t-1",
        "by": "cases",
        "reason": "the event has moved",
        "at": NOW,
    }
    office.add(PERSON_CANCELS, PersonCancel.model_validate(cancel))
    shown = explain(capsys, "t-1")
    assert "person cancel" in shown
    assert "the event has moved" in shown


def test_a_text_that_was_never_requested_is_explained_by_its_own_id(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    says = "It came too late: call them"
    office.text("t-1", "maria", "too_late", message_id=None, says=says, **REMINDER)
    shown = explain(capsys, "t-1")
    assert shown.startswith(f"Next: {says} harbor/t-1 is too_late")
    assert MADE_BY in shown


def reminding(office: Office) -> CaseHarness:
    """What the processor publishes goes to the ledger of harbor's neighbour, acme."""
    case = build_case(
        recipes={"day": recipe("1 day before")},
        templates={"soon": template("{{ event.title }} at {{ event.time }}.")},
    )
    case.open()
    case.add(ANA)
    case.hearing("2026-11-02T09:00")
    return case


def test_an_alert_of_a_reminder_that_came_too_late_is_among_the_alerts(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the processor publishes it: nobody worked over the hearing."""
    case = reminding(office)
    case.now = utc("2026-11-02T13:55")
    case.fire(next(name for name in case.timers if name.startswith("due/event/")))
    (alert,) = case.take(Alert)
    (text,) = [one for one in case.take(CaseText) if one.state == "too_late"]
    office.add(CASE_TEXTS, text)
    recent = alert.model_copy(update={"at": NOW, "before": NOW + timedelta(hours=1)})
    office.apply(make_record(ALERTS, 1, recent, at_ms=round(NOW.timestamp() * 1000)))
    assert run(["alerts", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["state"], found["case_id"], found["person_id"]) == ("too_late", "c1", ANA)
    assert "day" in explain(capsys, found["message_id"], "-t", "acme")
    assert run(["alerts"]) == 0
    assert "c1" in capsys.readouterr().out
    assert run(["dismiss", found["message_id"], "--by", "dana"]) == 0
    ((topic, dismissal),) = office.published
    assert (topic, dismissal.message_id) == (DISMISSALS.name, found["message_id"])
    office.add(DISMISSALS, dismissal)
    capsys.readouterr()
    assert run(["alerts", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
