"""A STOP that comes while the text's call waits for its turn at the sender: the call does not
begin."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.send_request import SendRequest
from streams.partition.ends_check import EndsCheck
from tests.simulation.scenario import OWN, PEOPLE, Scenario
from tests.simulation.world import World

SEEDS = range(30)


def begin(seed: int) -> Scenario:
    scenario = Scenario(seed)
    scenario.people_opt_in()
    scenario.world.settle(until=timedelta(seconds=1))
    return scenario


def ask(scenario: Scenario, n: int, not_before: datetime | None = None) -> SendRequest:
    """The request of the text for the n-th of them."""
    request = SendRequest(
        message_id=f"m{n}",
        tenant="acme",
        to=PEOPLE[n],
        body="hello",
        kind="direct",
        not_before=not_before,
        requested_at=scenario.world.now,
    )
    scenario.asked["acme", request.message_id] = request
    return request


def overtaken(seed: int) -> int:
    """Ten people, each texted and saying STOP within the same half second."""
    scenario = begin(seed)
    for n, number in enumerate(PEOPLE[:10]):
        now, rng = scenario.world.now, scenario.rng
        request = ask(scenario, n)
        inbound = InboundMessage(
            provider_id=f"SM{n}",
            sender=OWN,
            to_address=OWN,
            number=number,
            body="STOP",
            received_at=now,
        )
        scenario.world.publish_at(
            now + timedelta(seconds=rng.uniform(0, 0.3)), t.SEND_REQUESTS, request
        )
        scenario.world.publish_at(now + timedelta(seconds=rng.uniform(0, 0.5)), t.INBOUND, inbound)
    scenario.world.settle(until=timedelta(minutes=5))
    return len(scenario.overtaken)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_call_begins_after_its_stop_was_judged(seed: int) -> None:
    assert overtaken(seed) == 0


def test_without_the_withdrawal_calls_do_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fence switched off: what it is for."""
    monkeypatch.setattr(World, "_take_back", lambda world, withdraw: None)
    assert sum(overtaken(seed) for seed in SEEDS) > 0


def late_texts(seed: int) -> int:
    """Each of ten people has a text that waits for its time; a moment before it comes, staff enter
    that they want none. The gate has not fetched that yet when the time comes."""
    scenario = begin(seed)
    now = scenario.world.now
    for n, number in enumerate(PEOPLE[:10]):
        due = now + timedelta(seconds=60 + n)
        request = ask(scenario, n, not_before=due)
        no = ConsentEvent(
            event_id=f"no{n}",
            tenant="acme",
            number=number,
            action="opt_out",
            source="staff",
            actor="ana",
            at=now,
        )
        scenario.world.publish(t.SEND_REQUESTS, request)
        scenario.world.publish_at(due - timedelta(milliseconds=1), t.CONSENT_EVENTS, no)
    scenario.world.settle(until=timedelta(minutes=5))
    return sum((post.tenant, post.message_id) in scenario.asked for post, _ in scenario.world.posts)


@pytest.mark.parametrize("seed", range(20))
def test_no_text_leaves_when_its_time_comes_after_a_no(seed: int) -> None:
    assert late_texts(seed) == 0


def test_without_the_question_for_ends_texts_do_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EndsCheck, "must_ask", lambda check, due, now: False)
    monkeypatch.setattr(EndsCheck, "timers_until", lambda check, read, passed: float("inf"))
    assert sum(late_texts(seed) for seed in range(20)) > 0
