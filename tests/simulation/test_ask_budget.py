"""A list of unknown numbers, asked no faster than the tenant's budget allows, whatever crashes;
seed by seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from schemas.inbound import InboundMessage
from schemas.send_request import SendRequest
from schemas.tenant_settings import TenantSettings
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.lifecycle import reconcile_states
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import ANY_TIME, OWN, SENDERS, Scenario
from tests.simulation.world import World

BUDGET = 10
UNKNOWN = [f"+1415555{n:04d}" for n in range(200, 250)]
HOUR = timedelta(hours=1)


@dataclass
class Launch(Scenario):
    """All at once or over three hours; who is asked answers START some minutes later, or texts
    it before."""

    def __post_init__(self) -> None:
        self.rng = random.Random(f"launch {self.seed}")
        acme = TenantSettings(
            tenant="acme", name="Acme", sender=OWN, when=ANY_TIME, asks_per_hour=BUDGET
        )
        processors = [processor for processor in PROCESSORS.values() if processor.name != "people"]
        self.world = World(
            self.seed,
            processors,
            build_settings({"acme": acme}, SENDERS),
            self.call,
            crash=self.crash,
        )

    def call(self, post: SendCall, now: datetime) -> SendResult:
        """Takes everything; some asks a second later than asked, after a 429."""
        known = {
            "tenant": post.tenant,
            "message_id": post.message_id,
            "attempt": post.attempt,
            "sender": post.sender,
        }
        if self.rng.random() < 0.1:
            return SendResult.model_validate(known | {"result": Result.LIMITED, "retry_after": 1.0})
        sid = f"SM{post.message_id}"
        self.taken[post.tenant, post.message_id] += 1
        receipt = DeliveryReceipt(
            message_id=post.message_id,
            tenant=post.tenant,
            attempt=post.attempt,
            provider_id=sid,
            received_at=now,
            status="delivered",
        )
        self.world.publish_at(now + timedelta(seconds=5), t.DELIVERY_RECEIPTS, receipt)
        if post.message_id.startswith("ask-"):
            self.answers(post.to, now + timedelta(minutes=self.rng.choice([1, 30, 600])))
        return SendResult.model_validate(known | {"result": Result.ACCEPTED, "provider_id": sid})

    def answers(self, number: str, at: datetime) -> None:
        said = InboundMessage(
            provider_id=f"SM-{number}-{at}",
            sender=OWN,
            to_address=OWN,
            number=number,
            body="START",
            received_at=at,
        )
        self.world.publish_at(at, t.INBOUND, said)

    def producers_ask(self, texts: int) -> None:
        over = self.rng.choice([0.0, 60.0, 3 * 3600.0])
        for n, number in enumerate(UNKNOWN * (texts // len(UNKNOWN))):
            at = self.world.now + timedelta(seconds=self.rng.uniform(0, over))
            request = SendRequest(
                message_id=f"m{n}",
                tenant="acme",
                to=number,
                body=f"text {n}",
                kind="reminder",
                requested_at=at,
            )
            self.asked["acme", request.message_id] = request
            for _ in range(self.rng.choice([1, 1, 2])):
                self.world.publish_at(at, t.SEND_REQUESTS, request)

    def play(self, texts: int = 100) -> None:
        self.producers_ask(texts)
        self.world.settle(until=timedelta(days=20), turns=60_000)

    def asks(self) -> list[tuple[str, datetime]]:
        """Those that the provider took, with the time of the call."""
        calls = {
            post.message_id: (post.to, at)
            for post, at in self.world.posts
            if post.message_id.startswith("ask-")
        }
        return sorted(
            (calls[name] for _, name in self.taken if name in calls), key=lambda call: call[1]
        )


@pytest.fixture(params=range(6), scope="module")
def launch(request: pytest.FixtureRequest) -> Launch:
    scenario = Launch(request.param, crash=0.0 if request.param % 4 == 0 else 0.02)
    scenario.play()
    return scenario


def cut_off(launch: Launch) -> set[str]:
    """Ids of texts before whose call an owner crashed: nobody knows, so they are never called
    again."""
    attempts = launch.world.log.all(t.ATTEMPTS)
    known = {one.message_id for one in attempts if one.state in ("accepted", "refused")}
    return {one.message_id for one in attempts if one.state == "in_doubt"} - known


def test_no_hour_exceeds_the_budget(launch: Launch) -> None:
    hours = Counter(at.replace(minute=0, second=0, microsecond=0) for _, at in launch.asks())
    assert max(hours.values()) <= BUDGET
    assert len(hours) >= len(UNKNOWN) / BUDGET


def test_in_any_sixty_minutes_there_are_at_most_two_budgets(launch: Launch) -> None:
    times = [at for _, at in launch.asks()]
    assert max(sum(at <= other < at + HOUR for other in times) for at in times) <= 2 * BUDGET


def test_every_number_is_asked_once(launch: Launch) -> None:
    asked = Counter(number for number, _ in launch.asks())
    assert set(asked.values()) == {1}
    orders = {
        one.message_id: one.to
        for one in launch.world.log.all(t.DISPATCH_ORDERS)
        if one.kind == "consent_ask"
    }
    assert sorted(orders.values()) == UNKNOWN
    assert {number for name, number in orders.items() if name not in cut_off(launch)} <= set(asked)
    assert len(asked) >= len(UNKNOWN) / 2, "or crashes have cut off too much to show anything"
    assert launch.crash or len(asked) == len(UNKNOWN)


def test_no_hour_is_unused_while_requests_wait(launch: Launch) -> None:
    times = [at for _, at in launch.asks()]
    assert times[-1] - times[0] < (len(UNKNOWN) / BUDGET + 1) * HOUR


def test_texts_leave_after_yes_and_nothing_is_lost(launch: Launch) -> None:
    asked, left = {number for number, _ in launch.asks()}, cut_off(launch)
    wanted = {name for (_, name), request in launch.asked.items() if request.to in asked} - left
    assert wanted <= {name for _, name in launch.taken}
    assert max(launch.taken.values()) == 1
    state = {row.identity: row for row in launch.world.log.all(t.USAGE_REPORT)}
    by_state = Counter[str]()
    for row in state.values():
        by_state[row.state] += row.messages
    assert reconcile_states(len(launch.asked) + len(launch.started()), by_state).unaccounted == 0
    assert launch.world.log.all(t.DEAD_LETTERS) == []


def test_the_budget_held_requests_back(launch: Launch) -> None:
    """Or the tests above prove nothing."""
    back = Counter(
        returned.order.message_id for returned in launch.world.log.all(t.RETURNED) if returned.until
    )
    assert len(back) >= len(UNKNOWN) - 3 * BUDGET - BUDGET
    assert max(back.values()) <= 2
