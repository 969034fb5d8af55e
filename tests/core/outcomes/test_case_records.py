"""Cases are told of the texts that they requested, and threads of texts of a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.case import CaseAnswer, is_case_text_id
from schemas.decision import Finding, Verdict
from schemas.thread import ThreadMessage
from schemas.topics import ALERTS, CASE_ANSWERS, OUTCOMES, THREAD_MESSAGES
from streams.outcomes import outcomes, outcomes_on_timer
from streams.processing import Settings
from tests.core.harness import ProcessorHarness
from tests.core.outcomes.records import ANA, CODE, attempt, decision, receipt

TEXT = "t-3f9a0c11d2e45b67"
MOVED = f"{TEXT}:moved-2"
OF_CASE: dict[str, Any] = {"case_id": "8841", "person_id": "p1"}


def processor(message_id: str = TEXT) -> ProcessorHarness:
    return ProcessorHarness(outcomes, outcomes_on_timer, f"acme/{message_id}", Settings())


def of_text(record: Any, message_id: str = TEXT) -> Any:
    return record.model_copy(update={"message_id": message_id})


def decided(verdict: str = "send", seq: int = 1, *rules: str, **changed: Any) -> Any:
    findings = tuple(
        Finding(rule=rule, verdict=Verdict(verdict), reason=rule, next_step=f"mend {rule}")
        for rule in rules
    )
    warning = Finding(rule="warning", verdict=Verdict.SEND, reason="a warning")
    known = OF_CASE | {"message_id": TEXT, "findings": (warning, *findings)} | changed
    return decision(verdict, seq, **known)


def answers(harness: ProcessorHarness) -> list[tuple[Any, ...]]:
    told: list[CaseAnswer] = harness.published_on(CASE_ANSWERS)
    return [(one.state, one.error_code, one.rule, one.final) for one in told]


def messages(harness: ProcessorHarness) -> list[ThreadMessage]:
    told: list[ThreadMessage] = harness.published_on(THREAD_MESSAGES)
    return told


def test_a_case_is_told_of_each_state_of_its_text() -> None:
    harness = processor()
    for record in (
        decided("hold", 1, "not_opted_in"),
        decided("send", 2),
        of_text(attempt("accepted")),
        of_text(receipt("undelivered", "30003")),
    ):
        harness.feed(record)
    assert answers(harness) == [
        ("held", None, "not_opted_in", False),
        ("queued", None, None, False),
        ("accepted", None, None, False),
        ("undelivered", "30003", None, True),
    ]
    last: CaseAnswer = harness.published_on(CASE_ANSWERS)[-1]
    outcome = harness.published_on(OUTCOMES)[-1]
    assert (last.case_id, last.request_id, last.message_id) == ("8841", TEXT, TEXT)
    assert (last.version, last.at) == (outcome.version, outcome.at)


def test_another_rule_that_holds_it_is_told() -> None:
    harness = processor()
    harness.feed(decided("hold", 1, "not_opted_in"))
    harness.feed(decided("hold", 2, "quiet_hours"))
    assert [one[2] for one in answers(harness)] == ["not_opted_in", "quiet_hours"]


@pytest.mark.parametrize(
    ("verdict", "state"), [("reject", "rejected"), ("expire", "expired"), ("cancel", "canceled")]
)
def test_the_rule_that_ended_it_is_told(verdict: str, state: str) -> None:
    harness = processor()
    harness.feed(decided(verdict, 1, "opted_out", "quiet_hours"))
    assert answers(harness) == [(state, None, "opted_out", True)]


def test_what_has_left_is_told_without_the_rule_of_a_later_cancel() -> None:
    harness = processor()
    harness.feed(of_text(attempt("accepted")))
    harness.feed(decided("cancel", 1, "canceled"))
    assert answers(harness) == [("accepted", None, None, False)]


def test_a_new_version_with_the_same_state_is_no_news() -> None:
    harness = processor()
    harness.feed(decided())
    harness.feed(of_text(attempt("accepted")))
    before = answers(harness), len(messages(harness))
    harness.feed(of_text(attempt("accepted", segments=3)))
    assert len(harness.published_on(OUTCOMES)) == 3, "it counts other segments now"
    assert (answers(harness), len(messages(harness))) == before


def test_a_text_that_moved_is_told_under_the_id_that_was_asked() -> None:
    harness = processor(MOVED)
    harness.feed(decided(message_id=MOVED, request_id=TEXT))
    (told,) = harness.published_on(CASE_ANSWERS)
    assert (told.request_id, told.message_id) == (TEXT, MOVED)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (TEXT, True),
        (f"{TEXT}.2", True),
        (f"{TEXT}.17", True),
        (MOVED, False),
        (f"{TEXT}:again-548821c7718f", False),
        (f"{TEXT}.0", False),
        ("t-3F9A0C11D2E45B67", False),
        ("t-17", False),
        ("crm-1", False),
    ],
)
def test_only_ids_of_cases_are_theirs(name: str, is_one: bool) -> None:
    assert is_case_text_id(name) is is_one
    harness = processor(name)
    harness.feed(decided(message_id=name))
    assert len(answers(harness)) == is_one
    assert len(messages(harness)) == 1, "it is part of the conversation, whoever asked for it"


def test_a_thread_is_told_of_a_text_that_somebody_wrote_by_hand() -> None:
    harness = processor("note-1")
    harness.feed(decided(message_id="note-1", case_id=None, written_by="dana", kind="direct"))
    harness.feed(of_text(attempt("accepted"), "note-1"))
    told = messages(harness)
    assert [(one.state, one.final) for one in told] == [("queued", False), ("accepted", False)]
    assert {(one.number, one.kind, one.case_id, one.written_by, one.sender) for one in told} == {
        (ANA, "direct", None, "dana", CODE)
    }
    assert answers(harness) == []


def test_a_text_without_a_number_is_in_no_thread_until_it_has_one() -> None:
    harness = processor()
    harness.feed(decided("hold", 1, "no_number", to=None))
    assert messages(harness) == []
    harness.feed(decided("hold", 2, "not_opted_in"))
    assert [(one.number, one.state) for one in messages(harness)] == [(ANA, "held")]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        pytest.param({"case_id": None}, 0, id="neither case nor author"),
        pytest.param({"case_id": "Case 12/b"}, 0, id="a producer's own words for a case"),
        pytest.param({"case_id": "Case 12/b", "written_by": "dana"}, 1, id="with an author"),
        pytest.param({"person_id": "Ana Rivera", "written_by": "d"}, 1, id="no person's id"),
        pytest.param({"to": "the office"}, 0, id="no number"),
    ],
)
def test_what_cannot_be_written_on_the_wire_is_left_out(changed: Any, told: int) -> None:
    harness = processor()
    harness.feed(decided(**changed))
    assert len(harness.published_on(OUTCOMES)) == 1
    assert len(messages(harness)) == told


def test_a_long_name_of_an_author_is_cut() -> None:
    harness = processor()
    harness.feed(decided(written_by="d" * 10_000))
    assert [len(one.written_by or "") for one in messages(harness)] == [200]


def test_a_text_in_test_mode_is_part_of_no_conversation() -> None:
    harness = processor()
    harness.feed(decision("cancel", written_by="dana", kind="direct", test_mode=True))
    assert harness.published_on(THREAD_MESSAGES) == []
    (outcome,) = harness.published_on(OUTCOMES)
    assert (outcome.state, outcome.test_mode, outcome.final) == ("canceled", True, True)
    assert harness.published_on(ALERTS) == []
