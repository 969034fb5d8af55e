"""The whole flow through an evening: more is asked for than the sender can send before nine, and
batches crash."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas import topics as t
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import SENDERS, SHARED, TENANTS, Scenario
from tests.simulation.world import World

SLOW = Sender(sender=SHARED, kind=SenderKind.LONG_CODE, pace=0.2, shared_by=("acme", "bolt"))
"""A text in five seconds: 24 in two minutes."""
ZONE = ZoneInfo("America/Los_Angeles")
"""Of everybody in it, by their area code."""
EVENING = datetime(2026, 11, 23, 20, 58, tzinfo=ZONE).astimezone(UTC)
CLOSED = time(21, 0, 0, 200_000)
"""Dispatch lets a text go up to 200 ms before its call."""
ANSWERS = {"start_confirmation", "stop_confirmation", "help_answer"}
"""At any hour, to who has just written."""


@dataclass
class Evening(Scenario):
    def __post_init__(self) -> None:
        self.rng = random.Random(f"evening {self.seed}")
        tenants = {
            name: TenantSettings(tenant=name, name=known.name, sender=SHARED)
            for name, known in TENANTS.items()
        }
        settings = build_settings(tenants, SENDERS | {SHARED: SLOW})
        self.world = World(
            self.seed, list(PROCESSORS.values()), settings, self.call, crash=self.crash, now=EVENING
        )


@pytest.fixture(params=[(1, 0.0), (3, 0.02), (5, 0.02)], scope="module", ids=str)
def evening(request: pytest.FixtureRequest) -> Evening:
    scenario = Evening(*request.param)
    scenario.play(texts=240)
    return scenario


def test_every_call_begins_between_eight_and_nine(evening: Evening) -> None:
    orders = evening.world.log.all(t.DISPATCH_ORDERS)
    answers = {(order.tenant, order.message_id) for order in orders if order.kind in ANSWERS}
    outside = [
        (post.message_id, local.isoformat())
        for post, moment in evening.world.posts
        if (post.tenant, post.message_id) not in answers
        and not time(8) <= (local := moment.astimezone(ZONE)).time() < CLOSED
    ]
    assert outside == []


def test_some_go_in_the_evening_and_the_rest_in_the_morning(evening: Evening) -> None:
    """Or the test above proves nothing."""
    days = Counter(moment.astimezone(ZONE).day for _, moment in evening.world.posts)
    assert days[23] >= 5
    assert days[24] >= 5
    assert evening.world.log.all(t.RETURNED)


def test_nothing_is_lost_and_nothing_sent_twice_over_it(evening: Evening) -> None:
    outcomes = {(one.tenant, one.message_id) for one in evening.world.log.all(t.OUTCOMES)}
    assert set(evening.asked) <= outcomes
    assert {key: n for key, n in evening.taken.items() if n > 1} == {}


def test_nobody_has_more_marketing_in_a_day_than_the_cap(evening: Evening) -> None:
    """What came back unsent does not count."""
    back = {
        (one.order.tenant, one.order.message_id, one.order.issued_at)
        for one in evening.world.log.all(t.RETURNED)
    }
    for tenant in TENANTS:
        for number in {post.to for post, _ in evening.world.posts}:
            last = {
                order.message_id: order.issued_at
                for order in evening.world.log.all(t.DISPATCH_ORDERS)
                if (order.tenant, order.to, order.kind) == (tenant, number, "marketing")
                and (order.tenant, order.message_id, order.issued_at) not in back
            }
            issued = last.values()
            assert all(
                sum(timedelta(0) <= other - one < timedelta(days=1) for other in issued) <= 3
                for one in issued
            )
