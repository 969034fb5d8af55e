"""Two tenants ask the same person from a sender that they share; one ask arrives, the other does
not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from schemas.inbound import InboundMessage
from schemas.send_request import SendRequest
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from tests.simulation.scenario import PEOPLE, SHARED, Scenario

PHONE = PEOPLE[0]


@dataclass
class Shared(Scenario):
    """`lost`: whose ask does not arrive, as told by the provider at once or by the carrier
    later."""

    lost: str = "acme"
    told: str = "refused"

    def call(self, post: SendCall, now: datetime) -> SendResult:
        common = {
            "tenant": post.tenant,
            "message_id": post.message_id,
            "attempt": post.attempt,
            "sender": post.sender,
        }
        if post.tenant == self.lost and self.told == "refused":
            return SendResult(**common, result=Result.REFUSED, code="21612")
        sid = f"SM{post.tenant}{post.message_id}"
        receipt = DeliveryReceipt(
            message_id=post.message_id,
            tenant=post.tenant,
            attempt=post.attempt,
            provider_id=sid,
            received_at=now,
            status="undelivered" if post.tenant == self.lost else "delivered",
            error_code="30005" if post.tenant == self.lost else None,
        )
        self.world.publish_at(now + timedelta(seconds=2), t.DELIVERY_RECEIPTS, receipt)
        return SendResult(**common, result=Result.ACCEPTED, provider_id=sid)

    def asks(self, tenant: str) -> None:
        request = SendRequest(
            message_id=f"m-{tenant}",
            tenant=tenant,
            to=PHONE,
            body="hello",
            sender=SHARED,
            kind="transactional",
            requested_at=self.world.now,
        )
        self.world.publish(t.SEND_REQUESTS, request)
        self.world.settle(until=timedelta(minutes=1))

    def writes(self, body: str) -> None:
        self.world.publish(
            t.INBOUND,
            InboundMessage(
                provider_id=f"SM-{body}",
                sender=SHARED,
                to_address=SHARED,
                number=PHONE,
                body=body,
                received_at=self.world.now,
            ),
        )
        self.world.settle(until=timedelta(minutes=1))

    def states(self) -> dict[str, str]:
        """The log's order is a partition's, and both of a tenant's lie in one."""
        return {status.tenant: str(status.state) for status in self.world.log.all(t.CONSENT_STATUS)}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("told", ["refused", "undelivered"])
@pytest.mark.parametrize(("lost", "other"), [("acme", "bolt"), ("bolt", "acme")])
def test_a_yes_goes_to_whose_ask_has_arrived_and_a_stop_to_both(
    lost: str, other: str, told: str, seed: int
) -> None:
    scenario = Shared(seed, lost=lost, told=told)
    for tenant in scenario.rng.sample([lost, other], 2):
        scenario.asks(tenant)
    assert scenario.states() == {lost: "none", other: "pending"}
    scenario.writes("START")
    assert scenario.states() == {lost: "none", other: "opted_in"}
    assert (other, f"m-{other}") in {
        (post.tenant, post.message_id) for post, _ in scenario.world.posts
    }
    assert (lost, f"m-{lost}") not in {
        (post.tenant, post.message_id) for post, _ in scenario.world.posts
    }
    scenario.writes("STOP")
    assert scenario.states() == {lost: "opted_out", other: "opted_out"}


@pytest.mark.parametrize("seed", range(4))
def test_start_opts_in_again_after_another_tenants_failed_ask(seed: int) -> None:
    """The failed opt-in request came after the STOP, and concerns the other tenant only."""
    scenario = Shared(seed)
    scenario.asks("bolt")
    scenario.writes("STOP")
    scenario.asks("acme")
    assert scenario.states() == {"acme": "none", "bolt": "opted_out"}
    scenario.writes("START")
    assert scenario.states() == {"acme": "none", "bolt": "opted_in"}
