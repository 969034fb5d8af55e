"""A case from its changes: in any order, with repeats, late ones and bad ones."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.case import CaseLink, CaseNumber
from schemas.consent import ConsentAction, ConsentEvent
from schemas.dead_letter import DeadLetter
from tests.core.cases.world import (
    ANA,
    ANAS,
    DAY,
    HOUR,
    LUIS,
    LUISES,
    NOW,
    NY,
    CaseHarness,
    build_case,
    change,
    settings,
)

OFF = {"number": ANAS, "type": "mobile", "sms_enabled": False}
HOME = {"number": ANAS, "type": "home", "sms_enabled": True}


def launched(*, role: str = "client") -> CaseHarness:
    case = build_case()
    case.open()
    task = {
        "audience": {"roles": ["client"]},
        "body": "Welcome.",
        "when": {"offset": "9 days after"},
    }
    case.do("task_scheduled", task_id="t1", **task)
    case.add(ANA, ANAS, role=role)
    case.do("launched")
    return case


# --- the case as a whole


def test_the_case_is_published_as_it_stands() -> None:
    case = build_case()
    case.open(reference="26-10442", branch=None)
    case.add(ANA, ANAS)
    case.do("date_set", name="closing", date="2026-12-18")
    case.do("event_saved", event_id="h", title="Hearing", starts_at="2026-11-02T09:00")
    case.do("case_settings", notify_email="a@b.example", recipes={"r": {"off": True}})
    view = case.case
    assert (view.title, view.reference, view.time_zone) == ("In re Rivera", "26-10442", NY)
    assert [(one.person_id, one.name, one.number, one.reason) for one in view.parties] == [
        (ANA, "Ana", ANAS, None)
    ]
    assert {name: day.isoformat() for name, day in view.dates.items()} == {"closing": "2026-12-18"}
    assert [(one.event_id, one.at.isoformat()) for one in view.events] == [
        ("h", "2026-11-02T14:00:00+00:00")
    ]
    assert view.notify_email == "a@b.example"
    assert view.recipes["r"].off


def test_versions_count_what_readers_saw() -> None:
    case = build_case()
    case.open()
    assert case.case.version == 1
    case.open()  # another change that says the same
    assert case.case.version == 1
    case.open(title="In re Rivera and Rivera")
    assert case.case.version == 2


CHANGES: list[dict[str, Any]] = [
    {"kind": "case_opened", "title": "A", "at": NOW},
    {"kind": "case_opened", "title": "B", "at": NOW + HOUR},
    {"kind": "party_added", "person_id": ANA, "role": "client", "at": NOW},
    {"kind": "party_removed", "person_id": ANA, "at": NOW + HOUR},
    {"kind": "party_added", "person_id": ANA, "role": "Team", "at": NOW + 2 * HOUR},
    {"kind": "party_changed", "person_id": ANA, "role": "client", "at": NOW + DAY},
]


def test_any_order_and_repeats_give_the_same_case() -> None:
    changes = [
        change(one["kind"], **{k: v for k, v in one.items() if k != "kind"}) for one in CHANGES
    ]
    views = set()
    for order in permutations(changes):
        case = build_case()
        for one in (*order, order[0]):
            case.feed(one)
        views.add(case.case.model_dump_json(exclude={"version"}))
    assert len(views) == 1
    assert '"role":"client"' in views.pop()


def test_a_tie_in_time_is_settled_by_the_identity() -> None:
    for order in permutations(["x-1", "x-2"]):
        case = build_case()
        for identity in order:
            case.do("case_opened", title=identity, change_id=identity, at=NOW)
        assert case.case.title == "x-2"


def test_what_comes_before_the_case_is_opened_is_kept() -> None:
    case = build_case()
    case.add(ANA, ANAS)
    assert case.case.title == ""
    case.open()
    assert (case.case.title, len(case.case.parties)) == ("In re Rivera", 1)


@pytest.mark.parametrize(("sequence", "title"), [(3, "Trial"), (1, "Hearing")])
def test_a_lower_sequence_never_replaces_a_higher_one(sequence: int, title: str) -> None:
    case = build_case()
    saved = {"event_id": "h", "starts_at": "2026-11-02T09:00"}
    case.do("event_saved", title="Hearing", sequence=2, **saved)
    case.do("event_saved", title="Trial", sequence=sequence, at=NOW + DAY, **saved)
    assert case.case.events[0].title == title


def test_an_event_canceled_and_saved_again_takes_place() -> None:
    case = build_case()
    saved = {"event_id": "h", "title": "Hearing", "starts_at": "2026-11-02T09:00"}
    case.do("event_canceled", event_id="h", at=NOW + HOUR)
    case.do("event_saved", **saved)
    assert case.case.events[0].canceled
    case.do("event_saved", at=NOW + DAY, **saved)
    assert not case.case.events[0].canceled


# --- what is refused


def test_a_tenant_that_nobody_knows_is_a_dead_letter() -> None:
    case = build_case(key="other/c1")
    letters = case.publish_from(change("launched", tenant="other"))
    assert [one.value.cause for one in letters] == ["unknown_tenant"]
    assert not case.state.raw


def test_a_change_that_is_too_large_is_a_dead_letter_and_others_go_on() -> None:
    case = build_case()
    people = [f"person-{number:06}" for number in range(3000)]
    case.do("task_scheduled", task_id="t", body="Hi", audience={"person_ids": people})
    assert [one.cause for one in case.take(DeadLetter)] == ["too_large"]
    case.open()
    assert case.case.tasks == ()


@pytest.mark.parametrize(
    ("kind", "named", "fields", "limit"),
    [
        ("party_added", "person_id", {"role": "client"}, "MAX_PARTIES"),
        ("task_canceled", "task_id", {}, "MAX_TASKS"),
        ("event_canceled", "event_id", {}, "MAX_EVENTS"),
        ("date_set", "name", {}, "MAX_DATES"),
    ],
)
def test_one_too_many_is_a_dead_letter(
    kind: str, named: str, fields: dict[str, Any], limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"streams.cases.limits.{limit}", 2)
    case = build_case()
    for identity in ("a", "b", "c"):
        case.do(kind, **{named: identity}, **fields)
    assert [one.cause for one in case.take(DeadLetter)] == ["too_large"]
    case.do(kind, **{named: "a"}, **fields)  # one that is there may change
    assert case.take(DeadLetter) == []


def test_a_change_of_a_newer_version_is_passed_over() -> None:
    case = build_case()
    assert case.publish_from(change("case_merged", into="c2")) == []


# --- people


def test_a_party_is_linked_to_its_person_until_removed() -> None:
    case = build_case()
    case.do("party_added", person_id=ANA, role="client")
    case.do("party_changed", person_id=ANA, role="team")
    case.do("party_removed", person_id=ANA)
    assert [(one.person_id, one.wanted) for one in case.take(CaseLink)] == [
        (ANA, True),
        (ANA, False),
    ]


def test_an_older_record_of_a_person_is_ignored() -> None:
    case = build_case()
    case.do("party_added", person_id=ANA, role="client")
    case.person(ANA, ANAS, name="Ana Maria")
    case.feed(case_person(name="Old", version=0))
    assert case.case.parties[0].name == "Ana Maria"


def case_person(**fields: Any) -> Any:
    from tests.core.cases.world import person_record

    return person_record(ANA, ANAS, **fields)


@pytest.mark.parametrize(
    ("numbers", "tied", "policy", "number", "reason"),
    [
        ([ANAS], None, [], ANAS, None),
        ([], None, [], None, "no_number"),
        ([OFF], None, [], ANAS, "not_sms_enabled"),
        ([HOME], None, [], None, "no_number"),
        ([HOME], ANAS, [], ANAS, "not_sms_enabled"),
        ([HOME], ANAS, ["home"], ANAS, None),
        ([ANAS, LUISES], LUISES, [], LUISES, None),
        ([ANAS], LUISES, [], None, "no_number"),
        ([ANAS], "(212) 555-0142", [], None, "no_number"),  # what has no country is nobody's
        ([ANAS], "+1 (212) 555-0142", [], ANAS, None),
    ],
)
def test_a_party_shows_its_number_or_the_first_reason(
    numbers: list[Any], tied: str | None, policy: list[str], number: str | None, reason: str | None
) -> None:
    case = build_case(number_types=policy)
    case.add(ANA, *numbers, number=tied)
    party = case.case.parties[0]
    assert (party.number, party.reason) == (number, reason)


def test_somebody_who_is_not_on_record_has_no_number() -> None:
    case = build_case()
    case.add(ANA, known=False)
    assert case.case.parties[0].reason == "no_number"


# --- threads


def test_threads_hear_of_numbers_and_of_what_is_shown_with_them() -> None:
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    assert [(one.number, one.title, one.name) for one in case.take(CaseNumber)] == [
        (ANAS, "In re Rivera", "Ana")
    ]
    case.do("date_set", name="closing", date="2026-12-18")
    assert case.take(CaseNumber) == []
    case.open(title="In re R.")
    case.do("case_settings", notify_email="a@b.example")
    case.do("case_closed")
    told = [(one.title, one.notify_email, one.closed) for one in case.take(CaseNumber)]
    assert told == [
        ("In re R.", None, False),
        ("In re R.", "a@b.example", False),
        ("In re R.", "a@b.example", True),
    ]


def test_a_number_that_changes_is_taken_back() -> None:
    case = build_case()
    case.open()
    case.add(ANA, ANAS)
    case.take(CaseNumber)
    case.person(ANA, LUISES)
    assert [(one.number, one.left) for one in case.take(CaseNumber)] == [
        (ANAS, True),
        (LUISES, False),
    ]
    case.do("party_removed", person_id=ANA)
    assert [(one.number, one.left) for one in case.take(CaseNumber)] == [(LUISES, True)]


# --- opt-in requests


def test_a_launch_asks_every_party_that_is_due_a_text() -> None:
    case = launched()
    asked = case.take(ConsentEvent)
    assert [(one.number, one.action, one.source) for one in asked] == [
        (ANAS, ConsentAction.ASK, "manual")
    ]


def test_nobody_is_asked_before_the_launch_or_without_a_text() -> None:
    case = launched(role="witness")
    assert case.take(ConsentEvent) == []
    unlaunched = build_case()
    unlaunched.open()
    unlaunched.do("task_scheduled", task_id="t", body="Hi", audience={"roles": ["client"]})
    unlaunched.add(ANA, ANAS)
    assert unlaunched.take(ConsentEvent) == []


@pytest.mark.parametrize("role", ["client", "CLIENT"])
def test_a_party_added_later_is_asked_then(role: str) -> None:
    case = launched()
    case.take(ConsentEvent)
    case.add(LUIS, LUISES, role=role)
    assert [one.number for one in case.take(ConsentEvent)] == [LUISES]


def test_a_party_whose_role_matches_later_is_asked_then() -> None:
    case = launched(role="witness")
    case.do("party_changed", person_id=ANA, role="client")
    assert [one.number for one in case.take(ConsentEvent)] == [ANAS]


def test_a_party_named_later_is_asked_then() -> None:
    case = launched(role="witness")
    case.do("task_changed", task_id="t1", audience={"person_ids": [ANA]})
    assert [one.number for one in case.take(ConsentEvent)] == [ANAS]


@pytest.mark.parametrize("numbers", [[], [OFF]])
def test_a_number_that_is_put_right_is_asked_then(numbers: list[Any]) -> None:
    case = launched()
    case.take(ConsentEvent)
    case.add(LUIS, *numbers)
    assert case.take(ConsentEvent) == []
    case.person(LUIS, LUISES)
    assert [one.number for one in case.take(ConsentEvent)] == [LUISES]


def test_one_number_is_asked_once_for_a_case() -> None:
    case = launched()
    case.add(LUIS, ANAS)
    case.do("launched", at=NOW - DAY)
    case.do("party_removed", person_id=ANA)
    case.add(ANA, ANAS)
    assert len({one.event_id for one in case.take(ConsentEvent)}) == 1


def test_reminders_ask_too_unless_they_are_switched_off() -> None:
    recipe = {
        "event_type": "hearing",
        "offset": "1 day before",
        "template": "t",
        "roles": ["client"],
    }
    policy: dict[str, Any] = {"templates": {"t": {"texts": {"en": "Hi"}}}, "recipes": {"r": recipe}}
    case = build_case(**policy)
    case.open()
    case.add(ANA, ANAS)
    case.add(LUIS, LUISES)
    case.do("case_settings", reminders={LUIS: False})
    case.do("launched")
    assert case.take(ConsentEvent) == []
    case.do(
        "event_saved", event_id="h", title="H", event_type="Hearing", starts_at="2026-11-02T09:00"
    )
    assert [one.number for one in case.take(ConsentEvent)] == [ANAS]


def test_a_launch_of_many_parties_goes_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.cases.walks.STEP", 4)
    case = build_case()
    case.open()
    case.do("task_scheduled", task_id="t", body="Hi", audience={"roles": ["client"]})
    for number in range(10):
        case.add(f"p{number}", f"+1212555{number:04}")
    step = case.do("launched")
    asked = [one for one in step.publish if isinstance(one.value, ConsentEvent)]
    assert len(asked) == 4
    case.wait(1)
    assert len({one.number for one in case.take(ConsentEvent)}) == 10


def test_settings_that_change_are_those_of_the_next_step() -> None:
    case = build_case()
    case.open(time_zone=None)
    assert case.case.time_zone == NY
    case.settings = settings(time_zone="America/Phoenix")
    case.do("date_set", name="closing", date="2026-12-18")
    assert case.case.time_zone == "America/Phoenix"


def test_recipes_that_name_other_roles_ask_those_parties() -> None:
    hearing = {"event_type": "hearing", "offset": "1 day before", "template": "t"}
    words = {"t": {"texts": {"en": "Hi"}}}
    case = build_case(templates=words, recipes={"r": hearing})
    case.open()
    case.add(ANA, ANAS, role="witness")
    case.do("launched")
    case.hearing()
    assert case.take(ConsentEvent) == []
    case.settings = settings(templates=words, recipes={"r": {**hearing, "roles": ["witness"]}})
    case.fire("due/event/h")
    assert [one.number for one in case.take(ConsentEvent)] == [ANAS]


@pytest.mark.parametrize("date", ["1989-12-31", "2201-01-01", "9999-12-31"])
def test_a_date_that_no_event_can_be_on_is_refused_at_the_door(date: str) -> None:
    with pytest.raises(ValidationError):
        change("date_set", name="closing", date=date)
