"""`sayso case preview` and `send`: from the ledger, what the processor will do; and nothing else is
sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.case_event import TaskChanged
from schemas.consent import ConsentStatus
from schemas.person import Person, PersonRequest
from schemas.sender import Sender
from schemas.topics import CASE_EVENTS, CONSENT_STATUS, PEOPLE, SENDERS, SETTINGS
from services.cli.app import run
from services.ledger.times import rfc3339
from tests.adapters.case_ledger import Office, open_office
from tests.core.cases.world import (
    ANA,
    ANAS,
    LUIS,
    LUISES,
    ROSA,
    CaseHarness,
    recipe,
    settings,
    template,
)

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
HI = "Hi {{ person.first }}, bring your papers."
POLICY: dict[str, Any] = {
    "when": {"quiet_hours": "none"},
    "templates": {"soon": template("{{ event.title }} on {{ event.date }}.")},
    "recipes": {"day": recipe("1 day before"), "hour": recipe("1 hour before")},
    "prices": [{"since": "2020-01-01", "micros": 8000}],
}


class Firm:
    """A case that the processor keeps, and a ledger with all that it publishes."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.case = CaseHarness(now=NOW, settings=settings(**POLICY))
        self._told = 0
        sender = Sender(sender="24273", kind="short_code", segments_per_second=100, owner="acme")
        office.add(SENDERS, sender)
        self.settle()

    def settle(self, **changed: Any) -> None:
        self.case.settings = settings(**{**POLICY, **changed})
        self.office.add(SETTINGS, self.case.settings.tenants["acme"])

    def party(self, person_id: str, *numbers: str, consent: str | None = None) -> None:
        self.case.add(person_id, *numbers)
        said = {"number": "", "sms_enabled": True}
        person = {
            "tenant": "acme",
            "person_id": person_id,
            "name": person_id.capitalize(),
            "first_name": person_id.capitalize(),
            "numbers": [{**said, "number": number} for number in numbers],
            "at": NOW,
        }
        self.office.add(PEOPLE, Person.model_validate(person))
        if consent is not None:
            self.consent(numbers[0], consent)
        self.tell()

    def consent(self, number: str, state: str) -> None:
        status = {
            "tenant": "acme",
            "number": number,
            "state": state,
            "consent_epoch": 1,
            "since": NOW,
            "source": "form",
            "asked_at": NOW - DAY / 2,
            "ask_again_at": NOW + DAY / 2,
        }
        self.office.add(CONSENT_STATUS, ConsentStatus.model_validate(status))

    def do(self, kind: str, **fields: Any) -> None:
        self.case.do(kind, **fields)
        self.tell()

    def tell(self) -> None:
        """The ledger reads what the processor has published since."""
        for topic, value in self.case.published[self._told :]:
            self.office.add(topic, value)
        self._told = len(self.case.published)

    def tell_all(self) -> None:
        """Also after something was taken from what was published."""
        self._told = 0
        self.tell()


@pytest.fixture
def firm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Firm]:
    office = open_office(tmp_path, monkeypatch, tenant="acme")
    firm = Firm(office)
    firm.case.open()
    firm.party(ANA, ANAS, consent="opted_in")
    firm.party(LUIS, LUISES, consent="pending")
    firm.party(ROSA)
    firm.do("task_scheduled", task_id="t1", body=HI, audience={"roles": ["client"]})
    yield firm
    office.store.close()


def look(capsys: pytest.CaptureFixture[str], name: str = "t1", *more: str) -> Any:
    capsys.readouterr()
    assert run(["case", "preview", "c1", name, "--json", "--unmask", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_preview_is_what_the_processor_then_requests(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    found = look(capsys)
    firm.do("launched")
    requested = firm.case.take(PersonRequest)
    assert [(one.person_id, one.body, one.message_id) for one in requested] == [
        (one["person_id"], one["text"], one["text_id"]) for one in found["texts"]
    ]
    assert len(requested) == 3


def test_each_text_has_readiness_price_and_time(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    ana, luis, rosa = look(capsys)["texts"]
    assert (ana["readiness"], ana["segments"], ana["price_micros"]) == ("ready", 1, 8000)
    assert (luis["readiness"], luis["asked_at"]) == ("not_opted_in", rfc3339(NOW - DAY / 2))
    assert rosa["readiness"] == "no_number"
    assert {one["why_then"] for one in (ana, luis)} <= {"when_due", "overdue"}
    assert ana["number"] == ANAS
    assert run(["case", "preview", "c1", "t1"]) == 0
    shown = capsys.readouterr().out
    assert "Hi Ana, bring your papers." in shown
    assert ANAS not in shown
    assert "The recipient hasn't opted in yet; asked " in shown
    assert "3 leave, 1 of them can be sent as things are" in shown


@pytest.mark.parametrize(
    ("branch", "needs"), [({}, False), ({"court": {"send_immediately": False}}, True)]
)
def test_it_says_that_it_waits_for_approval(
    branch: Any, needs: bool, firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.settle(branches=branch)
    firm.case.open(branch="court" if branch else None)
    firm.tell()
    found = look(capsys)
    assert found["needs_approval"] is needs
    assert found["pace_seconds"] == 0.03, "three segments, 100 a second"


def test_an_event_has_all_its_reminders(firm: Firm, capsys: pytest.CaptureFixture[str]) -> None:
    starts = f"{NOW + 9 * DAY:%Y-%m-%dT12:00}"
    firm.do("event_saved", event_id="h", title="Hearing", event_type="hearing", starts_at=starts)
    found = look(capsys, "h")
    assert [one["recipe"] for one in found["texts"]] == ["day"] * 3 + ["hour"] * 3
    assert look(capsys, "event/h") == found
    firm.do("case_closed")
    closed = look(capsys, "h")
    assert (closed["reason"], closed["texts"]) == ("The case is closed", [])


def test_the_first_line_of_a_case_has_the_processors_times(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the launch its reminders are ahead, and its tasks are not."""
    starts = f"{NOW + 3 * DAY:%Y-%m-%dT12:00}"
    firm.do("event_saved", event_id="h", title="hearing", event_type="hearing", starts_at=starts)
    assert run(["case", "show", "c1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["recipe"], one["person_ids"]) for one in found["ahead"]] == [
        ("day", [ANA, LUIS, ROSA]),
        ("hour", [ANA, LUIS, ROSA]),
    ]
    assert found["promise"].startswith("Next: Ana hears of ")
    assert "Luis will not: they were asked " in found["promise"]
    assert "Rosa will not: no number is on file" in found["promise"]


def send(version: str, code: int) -> None:
    assert run(["case", "send", "c1", "t1", "--version", version, "--by", "dana"]) == code


def test_a_task_is_sent_as_it_was_previewed(firm: Firm, capsys: pytest.CaptureFixture[str]) -> None:
    when = {"time": f"{NOW + 9 * DAY:%Y-%m-%dT12:00}"}
    firm.do("task_changed", task_id="t1", when=when)
    firm.do("launched")
    shown = look(capsys, "t1", "--now")
    send(shown["version"], 0)
    ((topic, change),) = firm.office.published
    assert (topic, type(change)) == (CASE_EVENTS.name, TaskChanged)
    firm.case.feed(change)
    firm.case.run_until(change.at + timedelta(seconds=60))
    assert [one.body for one in firm.case.take(PersonRequest)] == [
        one["text"] for one in shown["texts"]
    ]


def other_words(firm: Firm) -> None:
    firm.do("task_changed", task_id="t1", body="Other words")


def other_number(firm: Firm) -> None:
    firm.party(LUIS, "+12125550199")


def other_settings(firm: Firm) -> None:
    firm.settle(templates={"soon": template("Other words")})


@pytest.mark.parametrize("change", [other_words, other_number, other_settings])
def test_another_version_is_not_sent(
    change: Any, firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.do("launched")
    version = look(capsys)["version"]
    change(firm)
    send(version, 1)
    assert "has changed since that preview" in capsys.readouterr().err
    assert firm.office.published == []


def test_what_has_gone_is_not_sent_again(firm: Firm, capsys: pytest.CaptureFixture[str]) -> None:
    firm.do("launched")
    for request in firm.case.take(PersonRequest):
        firm.case.report(request, "delivered", final=True)
    firm.tell_all()
    found = look(capsys)
    assert {one["state"] for one in found["texts"]} == {"arrived"}
    send(found["version"], 1)
    assert "Nothing can be sent" in capsys.readouterr().err


def test_a_case_that_is_not_launched_sends_nothing(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    send(look(capsys)["version"], 1)
    assert "is not launched" in capsys.readouterr().err
    assert run(["case", "preview", "c1", "t2"]) == 2
    assert "it has t1" in capsys.readouterr().err


def test_a_moved_event_is_shown_before_it_is_saved(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    """E 10: no second reminder of a day that they were reminded of, and it says why."""
    first, second = (f"{NOW + days * DAY:%Y-%m-%dT%H:%M}" for days in (1.2, 9))
    said = {"event_id": "h", "title": "Hearing", "event_type": "hearing"}
    firm.do("event_saved", starts_at=first, **said)

    def show(starts_at: str) -> Any:
        capsys.readouterr()
        command = ("case", "event", "save", "c1", "h", "--title", "Hearing", "--type", "hearing")
        assert run([*command, "--at", starts_at, "--show", "--json"]) == 0
        return json.loads(capsys.readouterr().out)["texts"]

    moved = show(second)
    assert [(one["recipe"], one["state"]) for one in moved] == [
        *[("day", None)] * 3,
        *[("hour", None)] * 3,
    ]
    firm.case.wait(2 * 86400)
    for request in firm.case.take(PersonRequest):
        firm.case.report(request, "delivered", final=True)
    firm.tell_all()
    firm.do("event_saved", at=NOW, starts_at=second, **said)
    assert {one["state"] for one in show(first)} == {"arrived"}
    assert firm.office.published == []
