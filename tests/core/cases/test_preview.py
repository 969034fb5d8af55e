"""What a preview shows is what happens."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.case import Case, CaseText
from schemas.person import PersonRequest
from schemas.topics import CASE_TEXTS
from streams.cases import Preview, PreviewWarning, preview, restore_state
from tests.core.cases.world import (
    ANA,
    ANAS,
    HOUR,
    LUIS,
    LUISES,
    NOW,
    ON_DAY,
    SOON,
    CaseHarness,
    build_case,
    change,
    person_record,
    recipe,
    reminding,
    settings,
    template,
    utc,
)


def look(case: CaseHarness, anchor: str, *changes: Any) -> Preview:
    return preview(case.state, anchor, case.now, case.settings, changes)


def tasked(body: str, **fields: Any) -> CaseHarness:
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    case.do("task_scheduled", task_id="t1", body=body, audience={"roles": ["client"]}, **fields)
    return case


def test_a_task_is_shown_as_if_it_were_launched_now() -> None:
    case = tasked("Hi {{ person.first }}")
    found = look(case, "task/t1")
    [line] = found.lines
    assert (line.person_id, line.name, line.number, line.body) == (ANA, "Ana", ANAS, "Hi Ana")
    assert (line.segments, line.readiness, line.departs_at) == (1, None, NOW)
    assert (found.case_version, found.settings_version) == (
        case.case.version,
        case.settings.versions["acme"],
    )
    assert case.take(PersonRequest) == []


@pytest.mark.parametrize(
    ("numbers", "readiness"),
    [
        ([], "no_number"),
        ([{"number": ANAS, "type": "mobile", "sms_enabled": False}], "not_sms_enabled"),
    ],
)
def test_the_first_reason_of_the_record_is_shown(numbers: list[Any], readiness: str) -> None:
    case = tasked("Hi")
    case.person(ANA, *numbers)
    assert [one.readiness for one in look(case, "task/t1").lines] == [readiness]


def test_one_number_and_two_people() -> None:
    """Section E, 12."""
    case = tasked("Hi {{ person.first }}")
    case.add(LUIS, ANAS)
    assert [one.warnings for one in look(case, "task/t1").lines] == [
        (PreviewWarning.SHARED_NUMBER,),
        (PreviewWarning.SHARED_NUMBER,),
    ]
    case.do("task_changed", task_id="t1", body="Court is on Tuesday.")
    lines = look(case, "task/t1").lines
    assert [(one.state, one.departs_at is None, one.warnings) for one in lines] == [
        (None, False, ()),
        ("skipped", True, ()),
    ]


def test_a_missing_value_is_named() -> None:
    """Section E, 24."""
    case = tasked("Hi {{ person.first }}, bring {{ case.reference }}")
    [line] = look(case, "task/t1").lines
    assert (line.state, line.missing, line.departs_at) == ("not_rendered", "case.reference", None)


def test_it_says_when_it_leaves_and_why_then() -> None:
    case = reminding(day=recipe("12 hours before"), hour="2 hours before", week="1 week before")
    said = {"title": "Hearing", "event_type": "hearing", "starts_at": "2026-10-02T15:00"}
    ahead = change("event_saved", at=NOW, event_id="h", **said)
    lines = {one.recipe: one for one in look(case, "event/h", ahead).lines}
    assert {name: (one.why_then, one.state) for name, one in lines.items()} == {
        "week": ("overdue", None),
        "day": ("after_quiet_hours", None),
        "hour": ("when_due", None),
    }
    assert lines["day"].departs_at == utc("2026-10-02T12:00")
    assert lines["week"].warnings == (PreviewWarning.LATE,)


@pytest.mark.parametrize(("if_late", "shown"), [("send", None), ("skip", "skipped")])
def test_a_time_that_has_passed(if_late: str, shown: str | None) -> None:
    """Section E, 8."""
    case = reminding(day=recipe("24 hours before", if_late=if_late))
    ahead = change(
        "event_saved",
        at=NOW,
        event_id="h",
        title="H",
        event_type="hearing",
        starts_at="2026-10-02T07:45",
    )
    [line] = look(case, "event/h", ahead).lines
    assert line.state == shown


def test_a_text_that_has_arrived_is_shown_as_that() -> None:
    """Section E, 10: back to the old date."""
    case = reminding(day="1 day before")
    case.hearing("2026-11-11T09:00")
    [first] = case.requests_until("2026-11-10T14:30")
    case.report(first, "delivered", final=True)
    case.hearing("2026-11-12T09:00")
    back = change(
        "event_saved",
        at=case.now,
        event_id="h",
        title="Hearing",
        event_type="hearing",
        starts_at="2026-11-11T09:00",
        change_id="x999999",
    )
    [line] = look(case, "event/h", back).lines
    assert (line.state, line.departs_at) == ("arrived", None)


def test_words_are_those_of_the_day_on_which_it_leaves() -> None:
    case = reminding(SOON, day="1 day before")
    case.hearing()
    assert "tomorrow" in look(case, "event/h").lines[0].body


def test_a_closed_case_sends_nothing() -> None:
    case = tasked("Hi")
    case.do("case_closed")
    found = look(case, "task/t1")
    assert (found.lines, found.reason and found.reason.rule) == ((), "case_closed")


def test_what_is_shown_is_what_happens() -> None:
    case = reminding(SOON, day="1 day before", hour="2 hours before", early="14 hours before")
    case.add(LUIS, "+13105550142", language="es")
    case.hearing("2026-11-05T10:00")
    shown = [(one.departs_at, one.body) for one in look(case, "event/h").lines]
    assert len(shown) == 6
    happened = case.requests_until("2026-11-06T00:00")
    assert sorted(shown, key=str) == sorted(
        ((one.requested_at, one.body) for one in happened), key=str
    )


# --- from what was published


def restored(case: CaseHarness, view: Case) -> Any:
    texts: dict[str, CaseText] = {}
    for topic, value in case.published:
        if topic is CASE_TEXTS:
            assert isinstance(value, CaseText)
            texts[value.text_id] = value
    people = [person_record(ANA, ANAS, first_name="Ana"), person_record(LUIS, LUISES)]
    return restore_state(view, people, texts.values())


def test_a_preview_from_what_was_published_is_the_same() -> None:
    dated = {"date_name": "closing", "offset": "2 days before", "template": "filing"}
    policy = settings(
        recipes={"day": recipe("1 day before"), "hour": recipe("2 hours before"), "filing": dated},
        templates={"soon": template(ON_DAY), "filing": template("{{ date.date }}")},
    )
    case = CaseHarness(settings=policy)
    case.open(reference="26-1")
    case.add(ANA, ANAS)
    case.add(LUIS, LUISES)
    case.do(
        "case_settings", reminders={LUIS: False}, recipes={"hour": {"offset": "3 hours before"}}
    )
    case.do("date_set", name="closing", date="2026-12-18")
    case.do(
        "task_scheduled", task_id="t1", body="{{ case.reference }}", audience={"person_ids": [LUIS]}
    )
    case.do("task_scheduled", task_id="t2", body="Off", audience={"roles": ["client"]})
    case.do("task_canceled", task_id="t2")
    case.hearing(reminders=["2 days before"])
    case.hearing(event_id="gone")
    case.do("event_canceled", event_id="gone")
    case.do("launched")
    view = case.case
    case.run_until(utc("2026-11-01T14:30"))
    anchors = ("event/h", "event/gone", "task/t1", "task/t2", "date/closing", "event/unknown")
    for anchor in anchors:
        now = case.now
        real = preview(case.state, anchor, now, policy)
        again = preview(restored(case, view), anchor, now, policy)
        assert again.lines == real.lines, anchor
    lines = {one.recipe: one.state for one in look(case, "event/h").lines}
    assert lines == {"2 days before": "requested", "day": "requested", "hour": None}
    assert case.now > NOW + HOUR


@pytest.mark.parametrize(
    ("starts_at", "first", "second"),
    [
        ("2026-10-15T09:00", "3 days before", "72 hours before"),
        ("2026-10-16T06:00", "3 hours before", "4 hours before"),
    ],
)
def test_of_two_that_leave_together_in_the_same_words_one_is_shown_as_going(
    starts_at: str, first: str, second: str
) -> None:
    """The second two wait for one morning; the whole day makes them useful so long."""
    case = reminding()
    case.hearing(starts_at[:10] if "hours" in first else starts_at, reminders=[first, second])
    shown = {one.recipe: (one.state, one.departs_at) for one in look(case, "event/h").lines}
    assert sorted(str(state) for state, _ in shown.values()) == ["None", "skipped"]
    [at] = [at for _, at in shown.values() if at is not None]
    case.take(CaseText)
    [request] = case.requests_until("2026-10-17T00:00")
    assert request.requested_at == at
    assert {one.recipe: one.state for one in case.take(CaseText)} == {
        name: state or "requested" for name, (state, _) in shown.items()
    }
