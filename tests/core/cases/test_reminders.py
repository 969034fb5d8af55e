"""When a reminder of an event leaves, and what becomes of it when the event or anything else
changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.case import CaseNumber, CaseReply, CaseText
from schemas.outcome import Alert
from schemas.person import PersonCancel, PersonRequest
from tests.core.cases.world import (
    ANA,
    ANAS,
    DAY,
    HOUR,
    LUIS,
    LUISES,
    MINUTE,
    NOW,
    ON_DAY,
    SOON,
    CaseHarness,
    build_case,
    recipe,
    reminding,
    settings,
    template,
    utc,
)


def sent(case: CaseHarness, until: str) -> list[tuple[str, str]]:
    """(UTC time, words) of the reminders that were requested until then."""
    return [(f"{one.requested_at:%m-%dT%H:%M}", one.body) for one in case.requests_until(until)]


# --- when it is due


def test_days_are_on_the_calendar_and_hours_elapse() -> None:
    """Section E, 1: the clocks change in between."""
    case = reminding()
    case.hearing(reminders=["3 days before", "72 hours before"])
    assert [at for at, _ in sent(case, "2026-11-05T00:00")] == ["10-30T13:00", "10-30T14:00"]


def test_three_days_before_a_monday_after_the_clocks_went_forward() -> None:
    """Section E, 2."""
    case = reminding(now=utc("2026-02-01T12:00"))
    case.hearing("2026-03-09T08:30", reminders=["3 days before"])
    assert [at for at, _ in sent(case, "2026-03-20T00:00")] == ["03-06T13:30"]


def test_the_text_says_whose_clock_it_is() -> None:
    """Section E, 4: the hearing is in Phoenix, the client in New Mexico."""
    case = reminding(short="1 hour before", now=utc("2026-05-01T12:00"))
    case.person(ANA, "+15055550142")
    case.hearing("2026-07-01T09:00", time_zone="America/Phoenix")
    [(at, words)] = sent(case, "2026-07-02T00:00")
    assert at == "07-01T15:00"
    assert "9:00 AM Arizona time" in words


@pytest.mark.parametrize(
    ("starts_at", "at"), [("2026-11-03T09:00", "11-02T14:00"), ("2026-11-03T14:00Z", "11-02T14:00")]
)
def test_a_time_without_a_zone_is_on_the_clock_of_the_case(starts_at: str, at: str) -> None:
    """Section E, 5."""
    case = reminding(day="1 day before")
    case.hearing(starts_at)
    assert [one for one, _ in sent(case, "2026-11-05T00:00")] == [at]


def test_a_recipe_may_name_the_time_of_day() -> None:
    case = reminding(day=recipe("1 day before", at="16:30"))
    case.hearing()
    assert [at for at, _ in sent(case, "2026-11-05T00:00")] == ["11-01T21:30"]


def test_recipes_are_for_their_type_of_event_and_for_dates() -> None:
    dated = {"date_name": "closing", "offset": "2 days before", "template": "filing"}
    case = build_case(
        recipes={"day": recipe("1 day before"), "filing": dated},
        templates={
            "soon": template(ON_DAY),
            "filing": template("{{ date.name }}: {{ date.date }}"),
        },
    )
    case.open()
    case.add(ANA, ANAS)
    case.hearing(event_type="Hearing")
    case.hearing(event_id="m", event_type="meeting")
    case.do("date_set", name="closing", date="2026-12-18")
    assert sent(case, "2026-12-31T00:00") == [
        ("11-01T14:00", "Ana: Hearing on November 2, 2026 at 9:00 AM."),
        ("12-16T14:00", "closing: December 18, 2026"),
    ]


def test_a_case_changes_a_recipe_for_itself() -> None:
    case = reminding(day="1 day before", hour="2 hours before")
    case.do("case_settings", recipes={"day": {"off": True}, "hour": {"offset": "3 hours before"}})
    case.hearing()
    assert [at for at, _ in sent(case, "2026-11-05T00:00")] == ["11-02T13:00"]  # quiet until 8:00


def test_one_timer_per_event_and_no_entry_per_future_text() -> None:
    case = reminding(day="1 day before", hour="2 hours before", week="1 week before")
    case.hearing("2027-11-02T09:00")
    before = len(case.state.raw)
    for number in range(20):
        case.hearing("2027-11-02T09:00", event_id=f"e{number}")
    assert len(case.state.raw) == before + 20
    assert len(case.timers) == 21


# --- late


def test_an_event_saved_after_a_reminder_was_due() -> None:
    """Section E, 8: 20 hours ahead, by recipes of 24 and of 2 hours."""
    for if_late, states in (("send", ["requested"]), ("skip", ["skipped"])):
        case = reminding(day=recipe("24 hours before", if_late=if_late), hour="2 hours before")
        case.hearing("2026-10-02T11:00")  # in 24 hours
        case.wait(4 * 3600)
        case.take(CaseText)
        case = reminding(day=recipe("24 hours before", if_late=if_late), hour="2 hours before")
        case.now = NOW + 4 * HOUR
        case.hearing("2026-10-02T11:00")
        assert [state for state, _ in case.states()] == states
        assert [at for at, _ in sent(case, "2026-10-03T00:00")][-1:] == ["10-02T13:00"]


def test_of_late_ones_with_the_same_words_the_last_goes() -> None:
    case = reminding(week="1 week before", three="3 days before", day="1 day before")
    case.now = utc("2026-10-31T15:00")
    case.hearing()
    assert sorted(case.states()) == [("requested", None), ("skipped", "superseded")]
    assert len(case.take(PersonRequest)) == 1


def test_after_downtime_what_is_useful_goes_once_and_the_rest_is_too_late() -> None:
    """Section E, 9: nobody worked from Friday 12:00 to Monday 12:00."""
    case = reminding(SOON, day="24 hours before")
    case.hearing("2026-10-05T09:00", event_id="morning")
    case.hearing("2026-10-05T17:00", event_id="evening")
    case.take(CaseText)
    case.now = utc("2026-10-05T16:00")
    assert sent(case, "2026-10-05T16:00") == [("10-05T16:00", "Ana: Hearing today at 5:00 PM.")]
    assert sorted(case.states()) == [("requested", None), ("too_late", "too_late")]
    [alert] = case.take(Alert)
    assert (alert.event_id, alert.urgency, alert.person_id) == ("morning", "passed", ANA)


def test_an_event_of_the_past_reminds_nobody() -> None:
    case = reminding(day="1 day before")
    case.hearing("2026-09-30T09:00")
    case.wait(DAY.total_seconds())
    assert (case.states(), case.take(Alert)) == ([], [])


def test_a_recipe_that_was_added_too_late_counts_as_late() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    case.run_until(utc("2026-10-31T15:00"))
    later = {"week": recipe("1 week before", if_late="skip"), "day": recipe("1 day before")}
    case.settings = settings(recipes=later, templates={"soon": template(ON_DAY)})
    case.fire("due/event/h")
    assert case.states() == [("skipped", "late")]


# --- quiet hours


def test_a_reminder_waits_for_the_morning() -> None:
    case = reminding(hours="12 hours before")
    case.hearing("2026-11-05T15:00")  # due at 3:00
    assert [at for at, _ in sent(case, "2026-11-06T00:00")] == ["11-05T13:00"]


def test_one_that_the_morning_would_make_useless_goes_the_evening_before() -> None:
    case = reminding(hours="2 hours before")
    case.hearing("2026-11-05T08:15")  # due at 6:15; of use until 7:45
    assert [at for at, _ in sent(case, "2026-11-06T00:00")] == ["11-05T01:45"]


def test_one_that_came_too_late_for_that_is_never_sent_at_night() -> None:
    case = reminding(hours="2 hours before")
    case.now = utc("2026-11-05T04:00")  # 23:00
    case.hearing("2026-11-05T08:15")
    assert sent(case, "2026-11-06T00:00") == []
    assert case.states() == [("too_late", "too_late")]
    assert [(one.state, one.urgency) for one in case.take(Alert)] == [("too_late", "soon")]


# --- changes


def test_a_text_that_waits_when_its_event_moves_is_replaced() -> None:
    """Section E, 6: queued at dispatch when the event moves."""
    case = reminding(day="24 hours before")
    case.hearing("2026-11-05T10:00")
    [first] = case.requests_until("2026-11-04T15:00")
    case.report(first, "queued")
    case.states()
    step = case.hearing("2026-11-05T09:30")
    assert [
        one.value.request_id for one in step.publish if isinstance(one.value, PersonCancel)
    ] == [first.message_id]
    assert case.states() == [("canceling", "event_changed"), ("requested", None)]
    case.report(first, "canceled", rule="canceled", final=True)
    [second] = case.take(PersonRequest)
    assert "9:30 AM" in second.body
    assert second.message_id != first.message_id
    assert sent(case, "2026-11-09T00:00") == []


def test_one_that_had_left_before_is_followed_by_one_of_the_new_time() -> None:
    case = reminding(day="24 hours before")
    case.hearing("2026-11-05T10:00")
    [first] = case.requests_until("2026-11-04T15:00")
    case.report(first, "sent")
    case.hearing("2026-11-05T09:30")
    [second] = case.take(PersonRequest)
    assert "9:30 AM" in second.body
    assert case.take(PersonCancel) == []


def test_events_that_are_canceled_remind_nobody() -> None:
    """Section E, 7."""
    case = reminding(day="1 day before")
    for number in range(150):
        case.hearing("2026-10-06T09:00", event_id=f"e{number}")
    for number in range(150):
        case.do("event_canceled", event_id=f"e{number}")
    assert sent(case, "2026-10-10T00:00") == []


def test_dates_that_change_forth_and_back() -> None:
    """Section E, 10."""
    case = reminding(day="1 day before")
    case.hearing("2026-11-11T09:00")
    [first] = case.requests_until("2026-11-10T14:30")
    case.report(first, "delivered", final=True)
    case.hearing("2026-11-12T09:00")
    case.hearing("2026-11-12T09:00", location="Room 7")
    [second] = case.requests_until("2026-11-11T14:30")
    assert "November 12" in second.body
    case.report(second, "delivered", final=True)
    case.hearing("2026-11-12T09:00", location="Room 8")
    case.hearing("2026-11-11T10:00", at=case.now)
    case.hearing("2026-11-11T09:00")
    assert sent(case, "2026-11-20T00:00") == []


def test_a_return_to_the_old_date_before_anything_left_reminds_once() -> None:
    case = reminding(day="1 day before")
    case.hearing("2026-11-11T09:00")
    case.hearing("2026-11-12T09:00")
    case.hearing("2026-11-11T09:00")
    assert [at for at, _ in sent(case, "2026-11-20T00:00")] == ["11-10T14:00"]


def test_a_failed_reminder_is_not_tried_again() -> None:
    """Section E, 11."""
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.states()
    case.report(first, "undelivered", error_code="30005", final=True)
    assert case.states() == [("failed", "30005")]
    case.hearing(title="Trial")
    assert sent(case, "2026-11-20T00:00") == []


@pytest.mark.parametrize("change", ["title", "words", "name", "number"])
def test_other_words_replace_what_waits(change: str) -> None:
    case = reminding(day="1 day before")
    case.hearing()
    case.do("party_changed", person_id=ANA, number=ANAS)
    [first] = case.requests_until("2026-11-01T14:00")
    case.report(first, "held", rule="not_opted_in")
    if change == "title":
        case.hearing(title="Trial")
    elif change == "words":
        words = template("Other words on {{ event.date }}")
        case.settings = settings(recipes={"day": recipe("1 day before")}, templates={"soon": words})
        case.fire("due/event/h")
    elif change == "name":
        case.person(ANA, ANAS, name="Anna")
    else:
        case.person(ANA, ANAS, LUISES)
        case.do("party_changed", person_id=ANA, number=LUISES)
    assert case.take(PersonRequest) == []
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]
    case.report(first, "canceled", final=True)
    [second] = case.take(PersonRequest)
    assert second.message_id == f"{first.message_id}.2"
    assert (second.body, second.to) != (first.body, first.to)
    assert case.case.events[0].next_reminder_at is None


def test_a_change_of_place_alone_leaves_what_waits_and_has_left() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    case.requests_until("2026-11-01T14:00")
    case.hearing(location="Room 7")
    assert (case.take(PersonCancel), case.take(PersonRequest)) == ([], [])


def test_swapped_numbers_in_two_steps() -> None:
    case = reminding(day="1 day before")
    case.person(ANA, ANAS, LUISES)
    case.add(LUIS, ANAS, LUISES, number=LUISES)
    case.do("party_changed", person_id=ANA, number=ANAS)
    case.hearing()
    first = case.requests_until("2026-11-01T14:00")
    assert {(one.person_id, one.to) for one in first} == {(ANA, ANAS), (LUIS, LUISES)}
    case.do("party_changed", person_id=ANA, number=LUISES)
    case.do("party_changed", person_id=LUIS, number=ANAS)
    for one in first:
        case.report(one, "canceled", final=True)
    second = case.take(PersonRequest)
    assert {(one.person_id, one.to) for one in second} == {(ANA, LUISES), (LUIS, ANAS)}


def test_a_recipe_that_is_put_off_takes_back_what_waits() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.settings = settings(
        recipes={"day": recipe("1 hour before")}, templates={"soon": template(ON_DAY)}
    )
    case.fire("due/event/h")
    case.report(first, "canceled", final=True)
    [second] = case.requests_until("2026-11-02T13:00")
    assert (second.message_id, second.requested_at) == (
        f"{first.message_id}.2",
        utc("2026-11-02T13:00"),
    )


# --- words that turn false


def test_words_are_written_again_before_they_turn_false() -> None:
    case = reminding(SOON, day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    assert "tomorrow" in first.body
    assert first.valid_until == utc("2026-11-02T05:00")  # midnight in New York
    case.report(first, "held", rule="not_opted_in")
    case.run_until(utc("2026-11-02T04:59"))
    [cancel] = case.take(PersonCancel)
    assert cancel.request_id == first.message_id
    case.report(first, "canceled", final=True)
    [second] = case.requests_until("2026-11-02T13:00")
    assert (second.requested_at, "today" in second.body) == (utc("2026-11-02T13:00"), True)
    assert second.valid_until == utc("2026-11-02T13:30")


def test_words_that_expired_at_the_gate_are_written_again() -> None:
    case = reminding(SOON, day="1 day before")
    case.hearing("2026-11-02T17:00")
    [first] = case.requests_until("2026-11-01T22:00")
    case.now = utc("2026-11-02T05:01")
    case.report(first, "expired", rule="expired", final=True)
    [second] = case.requests_until("2026-11-02T13:00")
    assert "today" in second.body


def test_words_that_turn_false_when_nothing_else_is_of_use_end() -> None:
    case = reminding(SOON, day="1 day before")
    case.hearing("2026-11-02T08:15")
    [first] = case.requests_until("2026-11-01T13:15")
    case.run_until(utc("2026-11-02T04:59"))
    case.report(first, "canceled", final=True)
    case.states()
    assert sent(case, "2026-11-03T00:00") == []
    assert case.states() == [("too_late", "too_late")]
    assert len(case.take(Alert)) == 1


def test_what_expires_when_it_is_of_no_use_is_told_by_outcomes_alone() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.states()
    case.run_until(utc("2026-11-02T13:30"))
    case.report(first, "expired", rule="expired", final=True)
    assert (case.states(), case.take(Alert)) == ([("too_late", "too_late")], [])


# --- switches and closing


def test_a_switch_stops_automatic_texts_at_once_and_brings_back_what_is_ahead() -> None:
    case = reminding(day="1 day before", hour="2 hours before")
    case.hearing("2026-11-02T15:00")
    [first] = case.requests_until("2026-11-01T20:00")
    case.do("case_settings", reminders={ANA: False})
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]
    case.report(first, "canceled", final=True)
    assert case.take(PersonRequest) == []
    case.do("case_settings", reminders={ANA: True})
    assert [one.message_id for one in case.take(PersonRequest)] == [f"{first.message_id}.2"]
    assert [at for at, _ in sent(case, "2026-11-05T00:00")] == ["11-02T18:00"]


def test_what_was_due_while_the_switch_was_off_does_not_come_later() -> None:
    case = reminding(day="1 day before", hour="2 hours before")
    case.hearing("2026-11-02T15:00")
    case.do("case_settings", reminders={ANA: False})
    case.run_until(utc("2026-11-01T22:00"))
    case.do("case_settings", reminders={ANA: True})
    assert case.states() == [("skipped", "switched_off")]
    assert [at for at, _ in sent(case, "2026-11-05T00:00")] == ["11-02T18:00"]


def test_a_closed_case_takes_all_back_and_a_reopened_one_brings_it_again() -> None:
    case = reminding(day="1 day before", hour="2 hours before")
    case.hearing("2026-11-02T15:00")
    [first] = case.requests_until("2026-11-01T20:00")
    case.report(first, "queued")
    case.do("case_closed")
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]
    case.report(first, "canceled", final=True)
    assert sent(case, "2026-11-01T21:00") == []
    case.do("case_reopened")
    assert [one.message_id for one in case.take(PersonRequest)] == [f"{first.message_id}.2"]
    assert [at for at, _ in sent(case, "2026-11-05T00:00")] == ["11-02T18:00"]


def test_a_closed_case_sends_nothing() -> None:
    """Section E, 22."""
    case = reminding(day="1 day before")
    case.hearing()
    case.do("case_closed")
    assert sent(case, "2026-11-05T00:00") == []


def test_a_removed_party_gets_nothing() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.do("party_removed", person_id=ANA)
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]


# --- values that are missing


def test_a_missing_value_stops_the_text_and_is_named() -> None:
    """Section E, 18."""
    for name in ("", "null"):
        case = reminding(day="1 day before")
        case.person(ANA, ANAS, first_name=name)
        case.hearing()
        assert sent(case, "2026-11-01T15:00") == []
        [log] = case.take(CaseText)
        assert (log.state, log.reason) == ("not_rendered", "missing_value")
        assert "person.first" in (log.says or "")
        assert [one.state for one in case.take(Alert)] == ["not_rendered"]
        case.person(ANA, ANAS, name="Ana")
        assert len(case.take(PersonRequest)) == 1
        assert [one.open for one in case.take(Alert)] == [False]


@pytest.mark.parametrize("name", ["McDonald", "O’Brien", "Anne Marie", "de la Cruz", "$& {{x}}"])
def test_names_are_sent_as_they_were_written(name: str) -> None:
    """Section E, 18."""
    case = reminding(day="1 day before")
    case.person(ANA, ANAS, name=name)
    case.hearing()
    assert sent(case, "2026-11-01T15:00")[0][1].startswith(f"{name}: Hearing")


def test_a_reminder_waits_for_the_record_of_the_person() -> None:
    case = reminding(day="1 day before")
    case.do("party_added", person_id=LUIS, role="client")
    case.hearing()
    assert len(case.requests_until("2026-11-01T14:00")) == 1
    case.person(LUIS, LUISES)
    assert [one.person_id for one in case.take(PersonRequest)] == [LUIS]


# --- confirmations


def confirming() -> tuple[CaseHarness, PersonRequest]:
    case = reminding(day=recipe("1 day before", confirm="C"))
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.take(CaseNumber)
    return case, first


def reply(**fields: Any) -> CaseReply:
    said = {
        "tenant": "acme",
        "case_id": "c1",
        "person_id": ANA,
        "event_id": "h",
        "provider_id": "SM1",
    }
    return CaseReply.model_validate(
        {**said, "event_starts_at": "2026-11-02T09:00", "at": utc("2026-11-01T15:00"), **fields}
    )


def test_a_confirmation_is_awaited_once_the_reminder_has_left() -> None:
    case, first = confirming()
    assert case.take(CaseNumber) == []
    case.report(first, "sent")
    [card] = case.take(CaseNumber)
    [awaited] = card.awaits
    assert (awaited.event_id, awaited.word, awaited.until) == ("h", "C", utc("2026-11-02T14:00"))
    case.report(first, "delivered", final=True)
    assert case.take(CaseNumber) == []


def test_a_confirmation_is_recorded_on_the_event() -> None:
    case, first = confirming()
    case.report(first, "sent")
    case.take(CaseNumber)
    case.feed(reply())
    assert [(one.person_id, one.at) for one in case.case.events[0].confirmed] == [
        (ANA, utc("2026-11-01T15:00"))
    ]
    assert [card.awaits for card in case.take(CaseNumber)] == [()]
    case.hearing("2026-11-03T09:00")
    assert case.case.events[0].confirmed == ()


def test_a_confirmation_of_another_time_does_not_count() -> None:
    case, first = confirming()
    case.report(first, "sent")
    case.hearing("2026-11-03T09:00")
    case.take(CaseNumber)
    case.feed(reply())
    assert case.case.events[0].confirmed == ()


# --- answers that are out of order


def test_answers_that_are_old_or_repeated_change_nothing() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.states()
    case.report(first, "delivered", version=9, final=True)
    case.report(first, "sent", version=8)
    case.report(first, "delivered", version=9)
    assert case.states() == [("arrived", None)]


def test_a_text_that_people_moved_is_still_the_same_text() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    moved = f"{first.message_id}:moved-2"
    case.report(first, "canceled", final=True)
    case.report(first, "queued", message_id=moved, version=1)
    case.hearing(title="Trial")
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]
    case.report(first, "canceled", message_id=moved, version=2, final=True)
    assert [one.message_id for one in case.take(PersonRequest)] == [f"{first.message_id}.2"]


def test_the_cancel_of_a_move_lets_no_second_text_go() -> None:
    """People takes a text back to move it, while the case takes it back to end it: until people
    says that nothing is under way, the first may still go to the other number."""
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.hearing(title="Trial")
    case.report(first, "canceled", final=True, confirmed=False)
    case.report(first, "queued", message_id=f"{first.message_id}:moved-2")
    assert case.take(PersonRequest) == []
    case.report(first, "canceled", message_id=f"{first.message_id}:moved-2", final=True)
    assert [one.message_id for one in case.take(PersonRequest)] == [f"{first.message_id}.2"]


def test_a_try_that_went_out_after_all_ends_the_next_one() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.hearing(title="Trial")
    case.report(first, "canceled", final=True)
    [second] = case.take(PersonRequest)
    case.take(PersonCancel)
    case.report(first, "delivered", final=True)
    assert [one.request_id for one in case.take(PersonCancel)] == [second.message_id]
    case.report(second, "canceled", final=True)
    case.wait(timedelta(days=3).total_seconds())
    assert case.take(PersonRequest) == []


def test_what_staff_cancel_is_not_sent_again() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.states()
    case.report(first, "canceled", rule="canceled", final=True)
    case.hearing(title="Trial")
    assert case.take(PersonRequest) == []
    assert case.states() == [("canceled", "canceled")]


def test_texts_of_a_past_event_are_forgotten() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.report(first, "delivered", final=True)
    case.run_until(utc("2026-11-20T00:00"))
    assert any(name.startswith("text/") for name in case.state.raw)
    case.run_until(utc("2026-12-20T00:00"))
    assert not any(name.startswith("text/") for name in case.state.raw)
    assert (case.take(PersonRequest), case.take(Alert)) == ([], [])
    assert case.timers == {}


def test_what_is_published_says_what_made_the_text() -> None:
    case = reminding(SOON, day="1 day before")
    case.hearing()
    [request] = case.requests_until("2026-11-01T14:00")
    assert (request.event_id, request.event_title, request.event_at, request.kind) == (
        "h",
        "Hearing",
        utc("2026-11-02T14:00"),
        "reminder",
    )
    assert request.requested_by == "case-reminder"
    [log] = case.take(CaseText)
    assert (log.text_id, log.recipe, log.template, log.event_starts_at, log.language) == (
        request.message_id,
        "day",
        "soon",
        "2026-11-02T09:00",
        "en",
    )
    assert log.recipe_version is not None
    assert log.due_at == request.requested_at
    assert case.now - MINUTE < log.at


def test_an_alert_about_an_event_that_is_canceled_is_closed() -> None:
    case = reminding("{{ event.location }}", day="1 day before")
    case.hearing()
    case.run_until(utc("2026-11-01T15:00"))
    [alert] = case.take(Alert)
    case.do("event_canceled", event_id="h")
    assert [(one.message_id, one.open) for one in case.take(Alert)] == [(alert.message_id, False)]
    case.hearing(location="Room 5")
    assert len(case.take(PersonRequest)) == 1


def test_texts_of_an_event_that_was_canceled_are_forgotten_too() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.report(first, "delivered", final=True)
    case.do("event_canceled", event_id="h")
    case.run_until(utc("2026-12-20T00:00"))
    assert not any(name.startswith("text/") for name in case.state.raw)


def test_a_case_that_was_closed_for_long_says_nothing_of_old_events() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.report(first, "delivered", final=True)
    case.run_until(utc("2026-12-20T00:00"))
    case.do("case_closed")
    case.run_until(utc("2027-12-20T00:00"))
    case.states()
    case.do("case_reopened")
    assert (case.states(), case.take(Alert), case.take(PersonRequest)) == ([], [], [])


def test_marketing_goes_before_a_sunday_that_would_make_it_useless() -> None:
    case = reminding(open_day=recipe("1 day before", kind="marketing", at="09:00"))
    case.person(ANA, "+12055550142", time_zone="America/Chicago", postal_region="AL")
    case.hearing("2026-10-12T07:30", time_zone="America/Chicago")  # a Monday
    [request] = case.requests_until("2026-10-13T00:00")
    assert request.requested_at == utc("2026-10-11T00:45")  # Saturday, 19:45 in Alabama


def test_one_that_is_left_out_supersedes_nothing() -> None:
    case = reminding(week="1 week before", day=recipe("1 day before", if_late="skip"))
    case.now = utc("2026-11-01T20:00")
    case.hearing()
    assert sorted(case.states()) == [("requested", None), ("skipped", "late")]


def test_a_reminder_taken_back_for_a_move_comes_again_with_the_old_date() -> None:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.hearing("2026-11-04T09:00")
    case.report(first, "canceled", final=True)
    case.hearing()
    assert [one.message_id for one in case.take(PersonRequest)] == [f"{first.message_id}.2"]


def test_an_outcome_that_comes_after_the_confirmation_changes_nothing() -> None:
    case = reminding(SOON, day="1 day before")
    case.hearing("2026-11-02T17:00")
    [first] = case.requests_until("2026-11-01T22:00")
    case.run_until(utc("2026-11-02T04:58"))
    case.report(first, "canceled", confirms_cancel=True)
    case.report(first, "canceled", rule="canceled", confirmed=False, final=True)
    assert case.states()[-1] == ("canceled", "untrue")
    [second] = case.requests_until("2026-11-02T13:00")
    assert (second.requested_at, "today" in second.body) == (utc("2026-11-02T13:00"), True)


def test_a_template_that_cannot_be_read_is_named_and_others_go_on() -> None:
    case = reminding("{{ event.colour }}", day="1 day before")
    case.hearing(reminders=["2 days before"])
    assert len(case.requests_until("2026-11-01T15:00")) == 1
    assert case.states() == [("requested", None), ("not_rendered", "invalid_template")]
