"""Tasks: when they are due, to whom, and which of two people with one number is texted."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.case import CaseText
from schemas.consent import ConsentEvent
from schemas.person import PersonCancel, PersonRequest
from streams.cases import name_task_text
from tests.core.cases.world import (
    ANA,
    ANAS,
    DAY,
    HOUR,
    LUIS,
    LUISES,
    NOW,
    ROSA,
    ROSAS,
    CaseHarness,
    build_case,
    template,
    utc,
)

CLIENTS = {"roles": ["client"]}


def tasked(
    when: dict[str, Any] | None = None, *, body: str = "Welcome.", **fields: Any
) -> CaseHarness:
    case = build_case(templates={"docs": template("Please bring your papers.")})
    case.open()
    case.add(ANA, ANAS)
    said = {"task_id": "t1", "body": body, "audience": CLIENTS, "when": when or {"now": True}}
    case.do("task_scheduled", **{**said, **fields})
    return case


def times(case: CaseHarness, until: str) -> list[str]:
    return [f"{one.requested_at:%m-%dT%H:%M}" for one in case.requests_until(until)]


# --- when


@pytest.mark.parametrize(
    ("when", "due"),
    [
        ({"now": True}, "10-01T15:00"),
        ({"time": "2026-12-01T09:30"}, "12-01T14:30"),
        ({"time": "2026-12-01T09:30", "time_zone": "America/Chicago"}, "12-01T15:30"),
        ({"time": "2026-12-01"}, "12-01T14:00"),
        ({"time": "2026-12-01", "clock": "16:00"}, "12-01T21:00"),
        ({"offset": "2 days after"}, "10-03T15:00"),
        ({"offset": "2 days after", "clock": "12:30"}, "10-03T16:30"),
        ({"offset": "1 day before", "event_id": "h"}, "11-01T14:00"),
        ({"offset": "1 hour after", "event_id": "h"}, "11-02T15:00"),
        ({"offset": "1 week before", "date_name": "closing"}, "12-11T14:00"),
        ({"time": "2026-09-01T09:30"}, "10-01T15:00"),  # before the launch
        ({"time": "2026-11-01T01:30"}, "11-01T13:00"),  # the first of two, then quiet until 8:00
    ],
)
def test_a_task_is_due(when: dict[str, Any], due: str) -> None:
    case = tasked(when)
    case.hearing()
    case.do("date_set", name="closing", date="2026-12-18")
    assert case.take(PersonRequest) == []
    case.do("launched")
    assert times(case, "2027-01-01T00:00") == [due]


def test_a_skipped_time_moves_forward_and_a_repeated_one_is_the_first() -> None:
    """Section E, 3: each once."""
    case = build_case(now=utc("2026-03-01T12:00"), when={"quiet_hours": "none"})
    case.open()
    case.add(ANA, ANAS)
    case.do("launched")
    for task_id, time in (("spring", "2026-03-08T02:30"), ("autumn", "2026-11-01T01:30")):
        case.do("task_scheduled", task_id=task_id, body="Hi", audience=CLIENTS, when={"time": time})
    assert times(case, "2026-12-01T00:00") == ["03-08T07:30", "11-01T05:30"]


def test_a_task_without_its_event_waits_for_it() -> None:
    case = tasked({"offset": "1 day before", "event_id": "h"})
    case.do("launched")
    assert case.case.tasks[0].due_at is None
    case.hearing()
    assert case.case.tasks[0].due_at == utc("2026-11-01T14:00")
    case.hearing("2026-11-03T09:00")
    assert times(case, "2026-12-01T00:00") == ["11-02T14:00"]


def test_a_task_of_an_event_that_is_canceled_does_not_go() -> None:
    case = tasked({"offset": "1 day before", "event_id": "h"})
    case.do("launched")
    case.hearing()
    case.do("event_canceled", event_id="h")
    assert times(case, "2026-12-01T00:00") == []


def test_what_a_person_wrote_by_hand_does_not_wait_for_the_launch() -> None:
    case = tasked(written_by="dana", kind="direct")
    [request] = case.take(PersonRequest)
    assert (request.written_by, request.kind, request.requested_by) == ("dana", "direct", "crm")
    assert request.valid_until is None


def test_a_text_by_hand_can_be_withdrawn_under_an_id_that_is_known_at_once() -> None:
    case = tasked(written_by="dana", kind="direct", undo_seconds=10)
    [request] = case.take(PersonRequest)
    assert request.undo_seconds == 10
    assert request.message_id == name_task_text("acme", "c1", "t1", ANA)
    case.report(request, "canceled", rule="withdrawn", final=True)
    assert case.states()[-1] == ("canceled", "withdrawn")
    case.wait(86_400)
    assert case.take(PersonRequest) == [], "it does not go again"


def test_a_task_whose_time_was_long_past_when_it_was_scheduled_is_skipped() -> None:
    case = build_case()
    case.open()
    case.add(ANA, ANAS, at=NOW - 20 * DAY)
    case.do("launched", at=NOW - 20 * DAY)
    when = {"offset": "2 days after"}
    case.do("task_scheduled", task_id="t1", body="Hi", audience=CLIENTS, when=when)
    assert case.states() == [("skipped", "late")]


# --- to whom


def test_a_joint_case_texts_both_at_the_numbers_tied_to_them() -> None:
    case = tasked()
    case.person(ANA, ANAS, ROSAS)
    case.do("party_changed", person_id=ANA, number=ROSAS)
    case.add(LUIS, LUISES)
    case.add(ROSA, "+12125550199", role="witness")
    case.do("launched")
    assert {(one.person_id, one.to) for one in case.take(PersonRequest)} == {
        (ANA, ROSAS),
        (LUIS, None),
    }


def test_people_are_named_besides_roles() -> None:
    case = tasked(audience={"roles": ["Client"], "person_ids": [ROSA]})
    case.add(ROSA, ROSAS, role="witness")
    case.add(LUIS, LUISES, role="witness")
    case.do("launched")
    assert {one.person_id for one in case.take(PersonRequest)} == {ANA, ROSA}


@pytest.mark.parametrize(("later", "count"), [(HOUR, 1), (2 * DAY, 0)])
def test_a_party_that_joins_soon_after_still_gets_it(later: Any, count: int) -> None:
    case = tasked()
    case.do("launched")
    case.take(PersonRequest)
    case.wait(later.total_seconds())
    case.add(LUIS, LUISES)
    assert len(case.take(PersonRequest)) == count
    assert len(case.take(ConsentEvent)) == 1 + count


def test_a_role_that_changes_before_the_time_counts() -> None:
    case = tasked({"offset": "2 days after"})
    case.do("launched")
    case.add(LUIS, LUISES, role="witness")
    case.do("party_changed", person_id=LUIS, role="client")
    case.do("party_changed", person_id=ANA, role="witness")
    assert [one.person_id for one in case.requests_until("2026-11-01T00:00")] == [LUIS]


def test_two_with_one_number_get_one_text_where_the_words_are_equal() -> None:
    """Section E, 12."""
    case = tasked(body="Court is on Tuesday.")
    case.add(LUIS, ANAS)
    case.do("launched")
    assert [one.person_id for one in case.take(PersonRequest)] == [ANA]
    assert sorted(case.states()) == [("requested", None), ("skipped", "same_text")]


def test_two_with_one_number_get_two_texts_where_the_words_differ() -> None:
    """Section E, 12."""
    case = tasked(body="Hi {{ person.first }}, court is on Tuesday.")
    case.add(LUIS, ANAS)
    case.do("launched")
    assert {one.body for one in case.take(PersonRequest)} == {
        "Hi Ana, court is on Tuesday.",
        "Hi Luis, court is on Tuesday.",
    }


def test_the_other_of_two_gets_the_text_when_the_first_is_removed() -> None:
    case = tasked(body="Court is on Tuesday.")
    case.add(LUIS, ANAS)
    case.do("launched")
    [first] = case.take(PersonRequest)
    case.do("party_removed", person_id=ANA)
    case.report(first, "canceled", final=True)
    assert [one.person_id for one in case.take(PersonRequest)] == [LUIS]


# --- changes


def test_a_task_that_is_canceled_takes_back_what_waits() -> None:
    case = tasked()
    case.do("launched")
    [first] = case.take(PersonRequest)
    case.do("task_canceled", task_id="t1")
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]
    case.report(first, "canceled", final=True)
    assert case.take(PersonRequest) == []
    case.do("task_scheduled", task_id="t1", body="Welcome.", audience=CLIENTS)
    assert [one.message_id for one in case.take(PersonRequest)] == [f"{first.message_id}.2"]


def test_a_task_that_is_put_off_goes_then() -> None:
    case = tasked()
    case.do("launched")
    [first] = case.take(PersonRequest)
    case.do("task_changed", task_id="t1", when={"offset": "2 days after"})
    case.report(first, "canceled", final=True)
    [second] = case.requests_until("2026-11-01T00:00")
    assert second.requested_at == NOW + 2 * DAY


def test_a_task_whose_text_has_left_stays_as_it_is() -> None:
    case = tasked()
    case.do("launched")
    [first] = case.take(PersonRequest)
    case.report(first, "delivered", final=True)
    case.do("task_changed", task_id="t1", body="Other words.", when={"offset": "2 days after"})
    assert times(case, "2026-11-01T00:00") == []


def test_the_switch_of_reminders_leaves_tasks_alone() -> None:
    case = tasked()
    case.do("case_settings", reminders={ANA: False})
    case.do("launched")
    assert len(case.take(PersonRequest)) == 1


def test_a_text_without_a_number_waits_with_people() -> None:
    case = tasked()
    case.person(ANA)
    case.do("launched")
    assert [one.to for one in case.take(PersonRequest)] == [None]
    assert case.case.parties[0].reason == "no_number"


def test_an_unknown_template_is_named() -> None:
    case = tasked(body=None, template="gone")
    case.do("launched")
    assert case.states() == [("not_rendered", "no_template")]


def test_a_template_is_read_when_the_task_is_due() -> None:
    case = tasked(body=None, template="docs")
    case.do("launched")
    [request] = case.take(PersonRequest)
    [log] = case.take(CaseText)
    assert (request.body, log.template, log.task_id) == ("Please bring your papers.", "docs", "t1")


def test_a_task_to_many_goes_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.cases.walks.STEP", 4)
    case = tasked()
    for number in range(10):
        case.add(f"p{number}", f"+1212555{number:04}")
    step = case.do("launched")
    first = [one for one in step.publish if isinstance(one.value, PersonRequest)]
    assert len(first) == 4
    case.wait(1)
    assert len({one.person_id for one in case.take(PersonRequest)}) == 11
    case.do("case_closed")
    case.wait(1)
    assert len({one.request_id for one in case.take(PersonCancel)}) == 11


def test_a_text_that_waits_long_after_its_time_follows_its_party() -> None:
    case = tasked()
    case.do("launched")
    [first] = case.take(PersonRequest)
    case.report(first, "held", rule="not_opted_in")
    case.wait(5 * DAY.total_seconds())
    case.do("party_removed", person_id=ANA)
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]


def test_a_party_that_changes_while_a_walk_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.cases.walks.STEP", 2)
    case = tasked()
    for number in range(6):
        case.add(f"p{number}", f"+1212555{number:04}")
    case.do("party_added", person_id="a-first", role="client")
    case.do("launched")
    case.person("a-first", LUISES)
    case.wait(1)
    assert len({one.person_id for one in case.take(PersonRequest)}) == 8


@pytest.mark.parametrize("days", [0, 2, 60])
@pytest.mark.parametrize("author", [None, "dana"])
def test_a_text_of_now_goes_however_long_ago_the_launch_was(days: int, author: str | None) -> None:
    """Also after the case was closed and reopened in between."""
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    case.do("launched")
    case.do("case_closed")
    case.wait(days * 86400)
    case.do("case_reopened")
    audience = {"person_ids": [ANA]}
    case.do("task_scheduled", task_id="t1", body="Hi", audience=audience, written_by=author)
    assert [one.person_id for one in case.take(PersonRequest)] == [ANA]


def test_words_of_a_task_that_turned_false_are_written_again() -> None:
    case = tasked({"offset": "1 day before", "event_id": "h"}, body="{{ event.relative_day }}")
    case.do("launched")
    case.hearing("2026-11-02T17:00")
    [first] = case.requests_until("2026-11-01T22:00")
    case.now = utc("2026-11-02T05:01")
    case.report(first, "expired", rule="expired", final=True)
    [second] = case.requests_until("2026-11-02T20:00")
    assert (first.body, second.body) == ("tomorrow", "today")


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"now": True, "event_id": "h"},
        {"time": "2026-10-05T12:00", "event_id": "h", "date_name": "closing"},
        {"now": True, "time": "2026-10-05", "offset": "2 days after"},
        {"offset": "2 days after", "event_id": "h", "date_name": "closing"},
        {"offset": "9999 minutes after", "clock": "24:00"},
        {"offset": "500 weeks before", "event_id": "h"},
        {"time": "2200-12-31T23:59", "time_zone": "Pacific/Kiritimati"},
        {"time": "1990-01-01", "time_zone": "Pacific/Pago_Pago"},
    ],
)
def test_a_time_that_says_too_little_or_too_much_stops_nobody(when: dict[str, Any]) -> None:
    case = tasked(when, body="{{ event.title }} {{ date.name }} {{ person.first }}")
    case.do("launched")
    case.hearing()
    case.do("date_set", name="closing", date="2200-12-31")
    case.do("event_canceled", event_id="h")
    case.do("task_scheduled", task_id="t2", body="Hi", audience=CLIENTS, when={"now": True})
    case.run_until(utc("2026-12-31T00:00"))
    assert [one.body for one in case.take(PersonRequest)][-1:] == ["Hi"]


@pytest.mark.parametrize("body", ["", " ", "\u200b", "{{ person.firsd }}", "{{", "x" * 4000])
@pytest.mark.parametrize("locales", [["en"], []])
def test_words_that_cannot_be_sent_end_alone(body: str, locales: list[str]) -> None:
    """Somebody wrote a text of nothing: the worker goes on, and the case says what is wrong."""
    case = build_case(locales=locales)
    case.open()
    case.do("launched")
    case.add(ANA, ANAS)
    case.do("task_scheduled", task_id="t1", body=body, audience=CLIENTS)
    case.do("task_scheduled", task_id="t2", body="Welcome.", audience=CLIENTS)
    assert [one.body for one in case.requests_until("2026-10-02T15:00")] == ["Welcome."]
    assert [one.task_id for one in case.take(CaseText) if one.state == "not_rendered"] == ["t1"]
