"""Each text goes once, and is lost in no change of what it hangs on."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.case import CaseText
from schemas.consent import ConsentEvent
from schemas.person import PersonRequest
from streams.cases import cases_on_timer, walks
from streams.processing import Settings
from tests.core.cases.world import (
    ANA,
    ANAS,
    DAY,
    LUIS,
    LUISES,
    NOW,
    CaseHarness,
    build_case,
    recipe,
    reminding,
    settings,
    template,
    utc,
)

OFF = {"number": ANAS, "type": "mobile", "sms_enabled": False}
CLIENTS: dict[str, Any] = {"task_id": "t1", "audience": {"roles": ["client"]}}


def sharing() -> CaseHarness:
    """Two with one number; one text in equal words has been requested, for Ana."""
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    case.add(LUIS, ANAS)
    case.do("task_scheduled", **CLIENTS, body="Court is on Tuesday.")
    case.do("launched")
    return case


def persons(case: CaseHarness) -> list[str]:
    return [one.person_id for one in case.take(PersonRequest)]


# --- times


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("2026-11-02T09:00", "2026-11-02T09:00:00"),
        ("2026-11-02T09:00", "2026-11-02 09:00"),
        ("2026-11-02T14:00Z", "2026-11-02T14:00:00+00:00"),
    ],
)
def test_one_time_in_another_writing_is_no_other_time(first: str, other: str) -> None:
    case = reminding(day="1 day before")
    case.hearing(first)
    [sent] = case.requests_until("2026-11-01T14:00")
    case.report(sent, "delivered", final=True)
    case.hearing(other)
    case.run_until(utc("2026-11-03T00:00"))
    assert case.take(PersonRequest) == []


def test_a_time_that_returns_long_after_another_has_passed_reminds_nobody_again() -> None:
    """The texts of the other time would be forgotten by then, and with them those of this one."""
    case = reminding(day="60 days before")
    case.hearing("2026-12-20T09:00")
    [sent] = case.requests_until("2026-10-22T00:00")
    case.report(sent, "delivered", final=True)
    case.hearing("2026-10-23T09:00")
    assert len(case.requests_until("2026-12-10T00:00")) == 1, "of the other time"
    case.hearing("2026-12-20T09:00")
    case.run_until(utc("2026-12-21T00:00"))
    assert case.take(PersonRequest) == []


# --- one number


def test_the_other_of_two_gets_the_text_when_the_first_has_another_number() -> None:
    case = sharing()
    assert persons(case) == [ANA]
    case.person(ANA, LUISES)
    assert persons(case) == [LUIS], "people moves Ana's text to her new number"


def test_the_other_of_two_gets_nothing_when_the_text_has_gone_to_their_number() -> None:
    case = sharing()
    [sent] = case.take(PersonRequest)
    case.report(sent, "delivered", final=True)
    case.person(ANA, LUISES)
    assert persons(case) == []


def test_a_text_that_waits_for_its_number_stands_for_no_other() -> None:
    """Ana's is off by her own record; nobody would get anything at the number."""
    case = build_case()
    case.open()
    case.do("party_added", person_id=ANA, role="client")
    case.person(ANA, OFF)
    case.add(LUIS, ANAS)
    case.do("task_scheduled", **CLIENTS, body="Court is on Tuesday.")
    case.do("launched")
    assert persons(case) == [ANA, LUIS]


# --- settings


def test_settings_that_change_within_a_walk_count_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom the walk had dealt with before is looked at again."""
    monkeypatch.setattr(walks, "STEP", 2)
    case = reminding("Old words.", day="1 day before")
    for number in range(4):
        case.add(f"p{number}", f"+1212555015{number}")
    case.hearing()
    case.now = utc("2026-11-01T14:00")
    case.fire("due/event/h")
    assert len(case.take(PersonRequest)) == 2
    words = {"soon": template("New words.")}
    case.settings = settings(recipes={"day": recipe("1 day before")}, templates=words)
    for sent in _look_again(case):
        case.report(sent, "canceled", final=True)
    case.run_until(utc("2026-11-01T14:01"))
    bodies = {one.text_id: one.state for one in case.take(CaseText)}
    assert list(bodies.values()) == ["requested"] * 5
    assert {one.body for one in case.take(PersonRequest)} == {"New words."}


def _look_again(case: CaseHarness) -> list[PersonRequest]:
    """The settings have changed: as the runtime does.  Returns what was taken back."""
    case._apply(cases_on_timer(case.state, "due/event/h", case.now, case.settings))
    taken = [one for one in case.take(CaseText) if one.state == "canceling"]
    return [
        PersonRequest(
            tenant="acme",
            case_id="c1",
            message_id=one.text_id,
            person_id=one.person_id,
            body="x",
            kind="reminder",
            requested_at=case.now,
        )
        for one in taken
    ]


def test_a_tenant_that_texts_other_numbers_now_asks_their_owners() -> None:
    landline = {"number": ANAS, "type": "home", "sms_enabled": True}
    case = build_case()
    case.open()
    case.do("party_added", person_id=ANA, role="client", number=ANAS)
    case.person(ANA, landline)
    case.do("task_scheduled", **CLIENTS, body="Hello.", when={"offset": "3 days after"})
    case.do("launched")
    assert (case.take(ConsentEvent), case.case.parties[0].reason) == ([], "not_sms_enabled")
    case.settings = settings(number_types=["home"])
    case._apply(cases_on_timer(case.state, "due/task/t1", case.now, case.settings))
    assert [one.number for one in case.take(ConsentEvent)] == [ANAS]
    assert case.case.parties[0].reason is None


def test_a_large_case_without_settings_for_a_while_is_published_after_it() -> None:
    case = build_case()
    case.open()
    for number in range(500):
        case.do("party_added", person_id=f"p{number}", role="client")
    assert case.timers["case"] > case.now
    before, known = case.case.version, case.settings
    case.settings = Settings()
    case.run_until(NOW + DAY)
    case.settings = known
    case.run_until(NOW + DAY + DAY / 12)
    assert (case.case.version > before, len(case.case.parties)) == (True, 500)


def test_many_switches_in_one_change_are_dealt_with_in_steps() -> None:
    case = reminding(day="1 day before")
    names = [f"p{number}" for number in range(60)]
    for number, name in enumerate(names):
        case.add(name, f"+121255502{number:02}")
    case.hearing()
    assert len(case.requests_until("2026-11-01T14:00")) == 61
    case.states()
    case.do("case_settings", reminders=dict.fromkeys(names, False))
    case.run_until(case.now + DAY / 1440)
    assert case.states() == [("canceling", "not_wanted")] * 60


# --- reminders of one moment


@pytest.mark.parametrize(
    ("starts_at", "first", "second"),
    [
        ("2026-10-15T09:00", "3 days before", "72 hours before"),
        ("2026-10-15T09:00", "1 day before", "1 days before"),
        ("2026-10-15T08:15", "2 hours before", "120 minutes before"),
    ],
)
def test_two_reminders_of_one_moment_in_the_same_words_are_one(
    starts_at: str, first: str, second: str
) -> None:
    """The third is brought forward to the evening before, for both."""
    case = reminding()
    case.hearing(starts_at, reminders=[first, second])
    case.run_until(utc("2026-10-16T00:00"))
    assert len(case.take(PersonRequest)) == 1
    assert sorted(case.states()) == [("requested", None), ("skipped", "superseded")]


def test_two_recipes_of_one_moment_with_other_words_are_two() -> None:
    other = recipe("24 hours before", template="other")
    policy = {"day": recipe("1 day before"), "hours": other}
    words = {"soon": template("See you tomorrow."), "other": template("Bring your papers.")}
    case = build_case(recipes=policy, templates=words)
    case.open()
    case.add(ANA, ANAS)
    case.hearing("2026-10-15T09:00")
    assert len(case.requests_until("2026-10-16T00:00")) == 2


@pytest.mark.parametrize("changed", [{}, {"location": "Room 4"}])
def test_an_event_that_a_nightly_import_saves_again_is_not_late(changed: dict[str, Any]) -> None:
    """Its reminder was due at 22:00 and waits for the morning."""
    case = reminding(hours=recipe("12 hours before", if_late="skip"))
    case.hearing("2026-10-15T10:00")
    case.run_until(utc("2026-10-15T06:00"))
    case.hearing("2026-10-15T10:00", **changed)
    assert len(case.requests_until("2026-10-15T13:00")) == 1
    case.hearing("2026-10-16T10:00")
    case.run_until(utc("2026-10-16T06:00"))
    case.hearing("2026-10-16T09:59")
    assert [one.reason for one in case.take(CaseText)][-1:] == ["late"]


def test_a_text_that_was_left_out_follows_its_own_person_to_another_number() -> None:
    case = sharing()
    assert persons(case) == [ANA]
    case.person(LUIS, LUISES)
    assert persons(case) == [LUIS]
