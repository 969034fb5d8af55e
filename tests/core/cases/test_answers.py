"""Answers that come late, never, or from the middle of a call."""

from __future__ import annotations

import pytest

from schemas.outcome import Alert
from schemas.person import PersonCancel, PersonRequest
from streams.cases import texts
from tests.core.cases.world import CaseHarness, reminding


def requested() -> tuple[CaseHarness, PersonRequest]:
    case = reminding(day="1 day before")
    case.hearing()
    [first] = case.requests_until("2026-11-01T14:00")
    case.states()
    return case, first


@pytest.mark.parametrize("state", ["sending", "in_doubt"])
def test_what_may_have_left_a_closed_case_is_taken_back(state: str) -> None:
    """It may turn out not to have been taken: then nobody may try again."""
    case, first = requested()
    case.report(first, state)
    case.do("case_closed")
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]
    case.report(first, "deferred")
    case.report(first, "accepted")
    assert case.states() == [("canceling", "case_closed"), ("sent", None)]


@pytest.mark.parametrize("state", ["held", "queued", "deferred"])
def test_what_turns_out_not_to_have_left_gets_its_new_words(state: str) -> None:
    case, first = requested()
    case.report(first, "in_doubt")
    case.hearing(title="Trial")
    assert case.take(PersonCancel) == []
    case.report(first, state)
    assert [one.request_id for one in case.take(PersonCancel)] == [first.message_id]


def test_what_is_taken_back_and_never_answered_ends_with_an_alert() -> None:
    case, first = requested()
    case.hearing(title="Trial")
    assert case.states() == [("canceling", "other_words")]
    case.take(Alert)
    assert case.requests_until("2026-11-02T15:00") == []
    assert case.states() == [("too_late", "too_late")]
    assert [(one.message_id, one.open) for one in case.take(Alert)] == [(first.message_id, True)]
    case.report(first, "canceled", final=True)
    assert (case.states(), case.take(PersonRequest)) == ([], [])


def test_an_alert_is_closed_when_the_text_has_gone_after_all() -> None:
    case, first = requested()
    case.hearing(title="Trial")
    case.requests_until("2026-11-02T15:00")
    case.take(Alert)
    case.states()
    case.report(first, "delivered", final=True)
    assert case.states() == [("arrived", None)]
    assert [(one.message_id, one.open) for one in case.take(Alert)] == [(first.message_id, False)]


def test_one_that_was_taken_back_too_often_ends_with_an_alert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(texts, "MAX_ISSUES", 2)
    case, first = requested()
    case.hearing(title="Trial")
    case.report(first, "canceled", final=True)
    [second] = case.take(PersonRequest)
    case.hearing(title="Hearing")
    case.report(second, "canceled", final=True)
    case.take(Alert)
    case.states()
    assert case.requests_until("2026-11-02T15:00") == []
    assert case.states() == [("too_late", "too_late")]
    assert [one.open for one in case.take(Alert)] == [True]
