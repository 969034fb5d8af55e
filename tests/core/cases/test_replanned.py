"""What never went, and is of use after all; and what is of none, although its time has come."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.case import CaseText
from schemas.outcome import Alert
from schemas.person import PersonRequest
from schemas.recipe import Template
from tests.core.cases.world import (
    ANA,
    ANAS,
    HOUR,
    LUIS,
    LUISES,
    ON_DAY,
    CaseHarness,
    build_case,
    change,
    recipe,
    reminding,
    settings,
    template,
    utc,
)


@pytest.mark.parametrize(
    ("kind", "said"), [("case_settings", {"reminders": {ANA: True}}), ("case_reopened", {})]
)
def test_saying_again_what_holds_anyway_stops_nothing(kind: str, said: dict[str, Any]) -> None:
    """The reminder is due at 7:00 and waits for the morning; the switch was never off."""
    case = reminding(day=recipe("1 day before", at="07:00"))
    case.hearing()
    case.run_until(utc("2026-11-01T12:30"))
    case.do(kind, **said)
    assert [one.requested_at for one in case.requests_until("2026-11-01T14:00")] == [
        utc("2026-11-01T13:00")
    ]


def test_a_task_before_an_event_never_goes_after_it() -> None:
    """The case is launched when the hearing is over."""
    case = build_case(templates={"soon": template(ON_DAY)})
    case.open()
    case.add(ANA, ANAS)
    case.hearing("2026-10-02T09:00")
    when = {"event_id": "h", "offset": "1 hour before"}
    said = {"template": "soon", "audience": {"roles": ["client"]}, "when": when}
    case.do("task_scheduled", task_id="t", **said)
    case.run_until(utc("2026-10-02T14:00"))
    case.do("launched")
    assert case.requests_until("2026-10-05T00:00") == []


def test_a_task_on_the_morning_of_a_whole_day_goes() -> None:
    case = build_case(templates={"soon": template("{{ event.title }} {{ event.relative_day }}")})
    case.open()
    case.add(ANA, ANAS)
    case.do("launched")
    case.hearing("2026-10-02")
    when = {"event_id": "h", "offset": "0 days before"}
    said = {"template": "soon", "audience": {"roles": ["client"]}, "when": when}
    case.do("task_scheduled", task_id="t", **said)
    [sent] = case.requests_until("2026-10-05T00:00")
    assert (sent.requested_at, sent.body) == (utc("2026-10-02T13:00"), "Hearing today")
    assert sent.valid_until == utc("2026-10-03T04:00")


def test_a_task_that_came_too_late_goes_when_its_event_is_put_off() -> None:
    case = build_case(templates={"soon": template(ON_DAY)})
    case.open()
    case.add(ANA, ANAS)
    case.do("launched")
    case.hearing("2026-10-01T11:10")
    when = {"event_id": "h", "offset": "1 hour before"}
    said = {"template": "missing", "audience": {"roles": ["client"]}, "when": when}
    case.do("task_scheduled", task_id="t", **said)
    case.wait(HOUR.total_seconds())
    assert [one.state for one in case.take(CaseText)][-1] == "too_late"
    case.settings = settings(templates={"missing": template(ON_DAY)})
    case.hearing("2026-10-08T11:00")
    [sent] = case.requests_until("2026-10-10T00:00")
    assert sent.requested_at == utc("2026-10-08T14:00")


def test_a_reminder_that_was_left_out_goes_at_another_time_that_is_still_ahead() -> None:
    case = reminding(day=recipe("24 hours before", if_late="skip"))
    case.hearing("2026-10-02T09:00")
    assert case.states() == [("skipped", "late")]
    case.do("case_settings", recipes={"day": {"offset": "2 hours before"}})
    [sent] = case.requests_until("2026-10-03T00:00")
    assert sent.requested_at == utc("2026-10-02T12:00")
    case.do("case_settings", recipes={"day": {"offset": "1 hour before"}})
    case.wait(86_400)
    assert case.take(PersonRequest) == []


def test_a_task_waits_for_the_morning_however_long_the_workers_were_down() -> None:
    """It was due at 20:30; they come back 25 hours later, in quiet hours."""
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    case.do("launched")
    when = {"time": "2026-10-02T20:30"}
    said = {"body": "Welcome.", "audience": {"roles": ["client"]}, "when": when}
    case.do("task_scheduled", task_id="t", **said)
    case.now = utc("2026-10-04T01:30")
    [sent] = case.requests_until("2026-10-06T00:00")
    assert sent.requested_at == utc("2026-10-04T12:00")


def test_a_new_recipe_says_nothing_of_events_for_which_it_comes_too_late() -> None:
    case = reminding()
    case.hearing("2026-10-05T09:00")
    case.run_until(utc("2026-10-12T12:00"))
    case.settings = settings(
        recipes={"after": recipe("1 day after")}, templates={"soon": template(ON_DAY)}
    )
    case.timers["due/event/h"] = case.now
    case.run_until(case.now)
    assert case.states() == []
    assert case.take(Alert) == []


def test_an_event_that_moved_while_the_workers_were_down_is_not_late() -> None:
    case = reminding(day=recipe("1 day before", if_late="skip"))
    case.hearing()
    case.now = utc("2026-10-14T16:00")
    moved = {"title": "Hearing", "event_type": "hearing", "starts_at": "2026-10-15T11:00"}
    case.do("event_saved", event_id="h", at=utc("2026-10-13T12:00"), **moved)
    assert case.states() == [("requested", None)]


def test_the_log_names_the_version_of_the_template_that_made_the_words() -> None:
    """Also when the template says something else by the time that the text arrives."""
    then, later = template(ON_DAY), template(f"{ON_DAY} Bring papers.")
    case = build_case(recipes={"day": recipe("1 day before")}, templates={"soon": then})
    case.open()
    case.add(ANA, ANAS)
    case.hearing()
    [request] = case.requests_until("2026-11-01T14:00")
    case.settings = settings(recipes={"day": recipe("1 day before")}, templates={"soon": later})
    case.report(request, "delivered")
    logs = {one.state: one.template_version for one in case.take(CaseText)}
    version = Template.model_validate(then).version
    assert logs == {"requested": version, "arrived": version}


def test_words_of_sayso_and_of_a_task_have_no_version() -> None:
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    case.do("launched")
    case.hearing(reminders=["1 day before"])
    said = {"body": "Bring papers.", "audience": {"roles": ["client"]}, "when": {"now": True}}
    case.do("task_scheduled", task_id="t", **said)
    assert len(case.requests_until("2026-11-01T14:00")) == 2
    assert {one.template_version for one in case.take(CaseText)} == {None}


# --- what was said while nobody worked


def down(case: CaseHarness, until: str) -> None:
    """Nobody works until then."""
    case.now = utc(until)


def read_late(case: CaseHarness, at: str, kind: str, /, **fields: Any) -> None:
    """A change that was said while nobody worked."""
    case.publish_from_stamped(change(kind, at=utc(at), **fields), utc(at))


def test_nothing_is_requested_before_all_is_read_that_was_said_during_an_outage() -> None:
    """A change of the switch has the party looked at; the next one takes the event back."""
    case = reminding(day="1 day before")
    case.hearing()
    down(case, "2026-11-01T20:00")
    read_late(case, "2026-11-01T16:00", "case_settings", reminders={ANA: True})
    read_late(case, "2026-11-01T17:00", "party_changed", person_id=ANA, role="client")
    assert case.take(PersonRequest) == []
    read_late(case, "2026-11-01T18:00", "event_canceled", event_id="h")
    assert case.requests_until("2026-11-02T20:00") == []
    assert case.states() == []


def test_what_still_holds_after_an_outage_is_requested_once() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    down(case, "2026-11-01T20:00")
    read_late(case, "2026-11-01T16:00", "case_settings", reminders={ANA: True})
    read_late(case, "2026-11-01T17:00", "case_settings", reminders={ANA: True})
    assert len(case.requests_until("2026-11-01T20:01")) == 1


def test_who_joined_during_an_outage_is_told_of_though_their_record_comes_last() -> None:
    """The event is over by then, and the party was due a reminder while it was not."""
    case = reminding(day="1 day before")
    case.hearing()
    case.requests_until("2026-11-01T14:01")
    case.take(CaseText)
    down(case, "2026-11-03T20:00")
    read_late(case, "2026-11-01T16:00", "party_added", person_id=LUIS, role="client")
    case.run_until(utc("2026-11-03T20:01"))
    assert case.take(Alert) == []
    case.person(LUIS, LUISES)
    assert [one.person_id for one in case.take(Alert)] == [LUIS]


def test_nobody_expected_a_reminder_whose_recipe_came_when_no_hour_was_left() -> None:
    """Of use until 6:45 in the morning, and the recipe comes at 2."""
    case = reminding(day="1 day before")
    case.hearing("2026-11-02T06:45")
    [request] = case.requests_until("2026-11-05T07:00")
    case.report(request, "delivered")
    case.take(CaseText)
    later = {"day": recipe("1 day before"), "after": recipe("1 day after")}
    case.settings = settings(recipes=later, templates={"soon": template(ON_DAY)})
    case.fire("due/event/h")
    assert (case.states(), case.take(Alert)) == ([], [])
