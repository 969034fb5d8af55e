"""One number for all tenants: whose is a reply, who hears a STOP, who is asked; with crashes,
seed by seed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.inbound import InboundMessage
from schemas.send import Send
from schemas.send_request import SendRequest
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.opt_in_scenario import OptInScenario
from tests.simulation.scenario import ANY_TIME, SHARED, TENANTS
from tests.simulation.test_consent import PROMISES
from tests.simulation.world import World

ONE, ANN, BOB = "55500", "+14155550101", "+14155550102"
FIRMS = ("acme", "bolt", "cora")
MINUTE = timedelta(minutes=1)


class Day:
    """Ann is texted by all three firms, Bob by one; what they write comes minutes later, to the
    one number."""

    def __init__(self, seed: int, crash: float) -> None:
        number = Sender(sender=ONE, kind=SenderKind.SHORT_CODE, shared_by=FIRMS)
        firms = {
            firm: TenantSettings(tenant=firm, name=firm.title(), sender=ONE, when=ANY_TIME)
            for firm in FIRMS
        }
        processors = [PROCESSORS[name] for name in ("gate", "dispatch", "inbox", "outcomes")]
        self.world = World(
            seed, processors, build_settings(firms, {ONE: number}), take, crash=crash
        )
        self.begin = self.world.now

    def asks(self, firm: str, number: str, after: timedelta, message_id: str) -> None:
        at = self.begin + after
        request = SendRequest(
            message_id=message_id,
            tenant=firm,
            to=number,
            body="See you soon.",
            kind="reminder",
            requested_at=at,
        )
        self.world.publish_at(at, t.SEND_REQUESTS, request)

    def writes(self, number: str, body: str, after: timedelta) -> None:
        at = self.begin + after
        text = InboundMessage(
            provider_id=f"SM{number}{body}",
            sender=ONE,
            to_address=ONE,
            number=number,
            body=body,
            received_at=at,
        )
        self.world.publish_at(at, t.INBOUND, text)

    def play(self) -> None:
        for minute, firm in enumerate(FIRMS):
            self.asks(firm, ANN, minute * MINUTE, f"first-{firm}")
        self.asks("bolt", BOB, MINUTE, "bobs")
        for number in (ANN, BOB):
            self.writes(number, "YES", 10 * MINUTE)
        self.asks("bolt", ANN, 20 * MINUTE, "second-bolt")
        self.writes(ANN, "What time?", 30 * MINUTE)
        self.writes(ANN, "STOP", 40 * MINUTE)
        for firm in FIRMS:
            self.asks(firm, ANN, 50 * MINUTE, f"third-{firm}")
        self.asks("bolt", BOB, 50 * MINUTE, "bobs-second")
        self.world.settle(until=timedelta(hours=2))

    def orders(self, number: str, kind: str = "reminder") -> list[Send]:
        """The last of each text; one that came back is ordered again."""
        orders = {
            o.message_id: o
            for o in self.world.log.all(t.DISPATCH_ORDERS)
            if (o.to, o.kind) == (number, kind)
        }
        return list(orders.values())


def take(post: SendCall, now: datetime) -> SendResult:
    return SendResult(
        tenant=post.tenant,
        message_id=post.message_id,
        attempt=post.attempt,
        sender=post.sender,
        result=Result.ACCEPTED,
        provider_id=f"SM{post.tenant}{post.message_id}{post.attempt}",
    )


@pytest.fixture(params=range(6), scope="module")
def day(request: pytest.FixtureRequest) -> Day:
    day = Day(request.param, crash=0.0 if request.param < 4 else 0.02)
    day.play()
    return day


def test_every_text_goes_from_it(day: Day) -> None:
    assert {order.sender for order in day.world.log.all(t.DISPATCH_ORDERS)} == {ONE}


def test_each_tenant_asks_and_a_yes_answers_all_who_asked(day: Day) -> None:
    assert sorted(order.tenant for order in day.orders(ANN, "consent_ask")) == [
        "acme",
        "bolt",
        "cora",
    ]
    assert sorted(order.tenant for order in day.orders(BOB, "consent_ask")) == ["bolt"]
    said_yes = {
        (c.tenant, c.number)
        for c in day.world.log.all(t.CONSENT_LOG)
        if c.applied and c.action == "opt_in"
    }
    assert said_yes == {*((firm, ANN) for firm in FIRMS), ("bolt", BOB)}, (
        "and nobody else has got Bob's yes"
    )


def test_what_they_write_is_read_by_the_firm_that_texted_last(day: Day) -> None:
    replies = [
        (reply.tenant, reply.number)
        for reply in day.world.log.all(t.REPLIES)
        if reply.body == "What time?"
    ]
    assert replies == [("bolt", ANN)]


def test_a_stop_reaches_each_tenant_that_texted_and_no_other(day: Day) -> None:
    out = {
        (c.tenant, c.number)
        for c in day.world.log.all(t.CONSENT_LOG)
        if c.applied and c.action == "opt_out"
    }
    assert out == {(firm, ANN) for firm in FIRMS}
    stops = {
        (stop.sender, stop.tenant, stop.number) for stop in day.world.log.all(t.DISPATCH_CONTROLS)
    }
    assert stops == {(ONE, firm, ANN) for firm in FIRMS}


def test_after_it_nobody_texts_them_but_once_to_confirm(day: Day) -> None:
    assert sorted(order.message_id for order in day.orders(ANN)) == [
        "first-acme",
        "first-bolt",
        "first-cora",
        "second-bolt",
    ]
    assert len(day.orders(ANN, "stop_confirmation")) == 1, "of all firms that it stopped"
    assert sorted(order.message_id for order in day.orders(BOB)) == ["bobs", "bobs-second"]
    refused = {
        d.message_id: d for d in day.world.log.all(t.DECISIONS) if d.message_id.startswith("third")
    }
    assert {name: [f.rule for f in d.findings] for name, d in refused.items()} == {
        f"third-{firm}": ["opted_out"] for firm in FIRMS
    }


class OneNumber(OptInScenario):
    """The random life of `asking`, with nothing but the shared sender."""

    def __post_init__(self) -> None:
        super().__post_init__()
        senders = {SHARED: self.world.settings.senders[SHARED]}
        tenants = self.world.settings.tenants
        acme = tenants["acme"].model_copy(update={"sender": SHARED})
        self.world.settings = build_settings({**tenants, "acme": acme}, senders)


@pytest.mark.parametrize("seed", range(1000, 1012))
def test_all_that_is_promised_of_consent_holds_there_too(seed: int) -> None:
    scenario = OneNumber(seed, crash=0.02 * (seed % 2))
    scenario.play(texts=16)
    assert {post.sender for post, _ in scenario.world.posts} == {SHARED}
    assert {post.tenant for post, _ in scenario.world.posts} == set(TENANTS)
    for promise in PROMISES:
        assert promise(scenario) == [], promise.__doc__
