"""Mailboxes: each state of a message, and what moves it from one to the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.decision import Finding, Verdict
from streams.lifecycle import STATE_INFO, Group, State
from streams.mailboxes import (
    BOXES,
    ENDED_BY_CLOCK,
    ENDED_BY_STAFF,
    FAILED_BEFORE,
    WORDS,
    Box,
    MessageView,
    find_box,
    needs_attention,
)

NOW = datetime(2026, 11, 21, 17, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def found(rule: str, verdict: Verdict = Verdict.HOLD, until: datetime | None = None) -> Finding:
    return Finding(rule=rule, verdict=verdict, reason="why", next_step="do", until=until)


APPROVAL = found("awaiting_approval")

HELD: list[Any] = [
    pytest.param([APPROVAL], "ready", False, id="nothing but approval"),
    pytest.param(
        [found("quiet_hours", until=LATER), APPROVAL], "ready", False, id="and the morning"
    ),
    pytest.param(
        [found("not_before", until=LATER), found("frequency_cap", until=LATER), APPROVAL],
        "ready",
        False,
        id="and its own time, and a cap",
    ),
    pytest.param(
        [found("quiet_hours", until=EARLIER), APPROVAL],
        "ready",
        False,
        id="a morning that has come",
    ),
    pytest.param([found("shortener", Verdict.SEND), APPROVAL], "ready", False, id="with a warning"),
    pytest.param([found("quiet_hours"), APPROVAL], "outbox", False, id="an hour that never comes"),
    pytest.param([found("not_opted_in"), APPROVAL], "outbox", False, id="their yes is missing too"),
    pytest.param(
        [found("not_opted_in", until=LATER), APPROVAL], "outbox", False, id="they are asked later"
    ),
    pytest.param(
        [found("approved", Verdict.SEND), found("quiet_hours", until=LATER)],
        "outbox",
        False,
        id="approved",
    ),
    pytest.param([found("not_opted_in")], "outbox", False, id="they were asked"),
    pytest.param([found("quiet_hours", until=LATER)], "outbox", False, id="for the morning"),
    pytest.param([found("no_number")], "outbox", True, id="no number"),
    pytest.param([found("not_sms_enabled")], "outbox", True, id="switched off"),
    pytest.param(
        [found("consent_unreadable"), APPROVAL], "outbox", True, id="somebody has to look"
    ),
    pytest.param([], "outbox", False, id="handed back, and not judged yet"),
]


@pytest.mark.parametrize(("findings", "box", "attention"), HELD)
def test_what_waits(findings: list[Finding], box: str, attention: bool) -> None:
    message = MessageView(State.HELD, tuple(findings))
    assert (find_box(message, NOW), needs_attention(message, NOW)) == (box, attention)


STATES: list[Any] = [
    ("queued", "outbox", False),
    ("sending", "outbox", False),
    ("deferred", "outbox", False),
    ("in_doubt", "outbox", True),
    ("refused", "outbox", True),
    ("rejected", "outbox", True),
    ("expired", "outbox", True),
    ("canceled", None, False),
    ("accepted", "sentbox", False),
    ("sent", "sentbox", False),
    ("delivered", "sentbox", False),
    ("read", "sentbox", False),
    ("failed", "sentbox", True),
    ("undelivered", "sentbox", True),
    ("unknown", "sentbox", True),
]


@pytest.mark.parametrize(("state", "box", "attention"), STATES)
def test_where_a_message_is(state: str, box: str | None, attention: bool) -> None:
    message = MessageView(State(state))
    assert (find_box(message, NOW), needs_attention(message, NOW)) == (box, attention)


@pytest.mark.parametrize(("state", "box", "attention"), STATES)
def test_what_was_resent_or_dismissed_asks_for_nothing(
    state: str, box: str | None, attention: bool
) -> None:
    message = MessageView(State(state), settled=True)
    assert needs_attention(message, NOW) is False
    assert find_box(message, NOW) == (None if State(state) in FAILED_BEFORE else box), (
        "what was accepted stays"
    )


def test_every_state_has_its_place() -> None:
    assert {State(state) for state, *_ in STATES} | {State.HELD} == set(State)
    assert set(State) - BOXES.keys() == {State.CANCELED}
    assert WORDS.keys() == set(Box)


def test_mailboxes_read_who_ends_a_hold() -> None:
    assert {
        "undo",
        "not_before",
        "quiet_hours",
        "marketing_hours",
        "frequency_cap",
    } == ENDED_BY_CLOCK
    assert {
        "no_number",
        "not_sms_enabled",
        "consent_unreadable",
        "revocation_in_question",
    } == ENDED_BY_STAFF


def test_the_sentbox_is_what_the_books_call_out() -> None:
    out = {state for state, meaning in STATE_INFO.items() if meaning.group is Group.OUT}
    assert {state for state, box in BOXES.items() if box is Box.SENTBOX} == out


def test_what_staff_rejected_has_not_failed() -> None:
    message = MessageView(State.REJECTED, (found("not_approved", Verdict.REJECT),))
    assert (find_box(message, NOW), needs_attention(message, NOW)) == (None, False)
