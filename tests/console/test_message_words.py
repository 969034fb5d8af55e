"""Every state, kind and cause has words for staff, and the picture of a message's time adds up."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.send_request import Kind, SystemKind
from services.console.message_phases import WAITS, find_phases
from services.console.message_words import KINDS, STATES
from services.ledger.explain import Event
from streams.lifecycle import State
from streams.rule_names import HoldCause

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(what: str, seconds: float, **data: Any) -> Event:
    at = (NOON + timedelta(seconds=seconds)).isoformat()
    return Event(what, at, "sms.topic", 0, 0, data)


def hold(rule: str) -> dict[str, Any]:
    return {"verdict": "hold", "findings": [{"rule": rule, "verdict": "hold"}]}


def test_nothing_is_without_words() -> None:
    assert set(STATES) == set(State)
    assert set(KINDS) == {*Kind, *SystemKind}
    assert set(WAITS) == set(HoldCause)


def test_each_stretch_begins_where_the_one_before_ends() -> None:
    """Also where the carrier's receipt comes before the provider's answer."""
    events = [
        event("request", 0),
        event("decision", 1, **hold("awaiting_approval")),
        event("decision", 61, verdict="send"),
        event("attempt", 62, state="sending"),
        event("receipt", 63, status="sent"),
        event("attempt", 63.5, state="accepted"),
        event("receipt", 65, status="delivered"),
    ]
    phases = find_phases(events, NOON + timedelta(hours=1), is_over=True)
    assert [one.lasted for one in phases] == ["1.0 s", "60 s", "1.0 s", "1.0 s", "2.0 s"]
    assert phases[1].words == WAITS[HoldCause.APPROVAL]
    for before, after in itertools.pairwise(phases):
        assert before.end == after.begin
        assert abs(before.left + before.width - after.left) < 0.2
    assert abs(phases[-1].left + phases[-1].width - 1000) < 0.5


def test_what_lasts_still_lasts_until_now() -> None:
    events = [event("request", 0), event("decision", 1, **hold("not_opted_in"))]
    *_, last = find_phases(events, NOON + timedelta(days=4), is_over=False)
    assert (last.is_open, last.lasted) == (True, "4 days")
