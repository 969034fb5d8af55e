"""A stack of the version before numbers had one identity, stopped while it kept state under several
writings of them.

The file was made by that version's own code: `python -m tests.simulation.writings_snapshot FILE`,
run in a checkout of it. It stays as it is."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Final

from schemas import topics as t
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.send_request import SendRequest
from schemas.tenant_settings import TenantSettings
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.processing import build_settings
from tests.simulation.scenario import ANY_TIME, OWN, SENDERS, SHARED, Scenario
from tests.simulation.upgrade_snapshot import keep

KEPT: Final = Path(__file__).parents[1] / "golden" / "writings" / "0.2.0.json.gz"
REGIONS: Final = ("US", "CA", "MX", "AR", "BR")
TENANTS: Final = {
    name: TenantSettings(tenant=name, name=name, sender=sender, when=ANY_TIME, regions=REGIONS)
    for name, sender in (("acme", OWN), ("bolt", SHARED))
}

STOPPED_OLD, STOPPED_ONE = "+5215512345601", "+525512345601"
"""The STOP came under the first writing; the second had opted in, and a text waits for it."""
STARTED_OLD, STARTED_ONE = "+5215512345602", "+525512345602"
"""The STOP came under the second writing, and later the START under the first."""
WAITS_OLD, WAITS_ONE = "+541123456703", "+5491123456703"
"""A text waits for tomorrow under the first writing."""
SENT_OLD, SENT_ONE = "+551187654304", "+5511987654304"
"""A text was sent under the first writing."""
TYPED_OLD, TYPED_ONE = "rcs:+14155550105", "+14155550105"
"""The opt-out came under a writing that the version before took for no number."""


def use(scenario: Scenario) -> Scenario:
    """A provider that takes every text, and tenants that text these countries."""

    def take(post: SendCall, now: object) -> SendResult:
        scenario.taken[post.tenant, post.message_id] += 1
        return SendResult(
            tenant=post.tenant,
            message_id=post.message_id,
            attempt=post.attempt,
            sender=post.sender,
            result=Result.ACCEPTED,
            provider_id=f"SM{post.tenant}{post.message_id}{post.attempt}",
        )

    scenario.world.settings = build_settings(TENANTS, SENDERS)
    scenario.world.call = take
    return scenario


def ask(scenario: Scenario, message_id: str, to: str, *, days: int = 0) -> SendRequest:
    world = scenario.world
    request = SendRequest(
        message_id=message_id,
        tenant="acme",
        to=to,
        body="Your papers are ready.",
        kind="transactional",
        not_before=world.now + timedelta(days=days) if days else None,
        requested_at=world.now,
    )
    scenario.asked["acme", message_id] = request
    world.publish(t.SEND_REQUESTS, request)
    return request


def say(scenario: Scenario, action: str, number: str, name: str) -> None:
    event = ConsentEvent.model_validate(
        {
            "event_id": name,
            "tenant": "acme",
            "number": number,
            "action": action,
            "source": "form",
            "at": scenario.world.now,
            "evidence": {"wording": "Yes, text me."},
        }
    )
    scenario.world.publish(t.CONSENT_EVENTS, event)


def text(scenario: Scenario, number: str, body: str, name: str) -> None:
    inbound = InboundMessage(
        provider_id=name,
        sender=OWN,
        to_address=OWN,
        number=number,
        body=body,
        received_at=scenario.world.now,
    )
    scenario.world.publish(t.INBOUND, inbound)


def build() -> Scenario:
    scenario = use(Scenario(31))
    world = scenario.world

    def wait() -> None:
        world.settle(until=timedelta(seconds=5))
        world.now += timedelta(minutes=1)

    for n, number in enumerate(
        (STOPPED_OLD, STOPPED_ONE, STARTED_OLD, STARTED_ONE, WAITS_OLD, SENT_OLD, TYPED_ONE)
    ):
        say(scenario, "opt_in", number, f"form-{n}")
    wait()
    ask(scenario, "sent", SENT_OLD)
    ask(scenario, "greeting", STOPPED_OLD)
    ask(scenario, "waits-stopped", STOPPED_ONE, days=1)
    ask(scenario, "waits", WAITS_OLD, days=1)
    wait()
    text(scenario, STOPPED_OLD, "STOP", "SM-stop-1")
    text(scenario, STARTED_ONE, "STOP", "SM-stop-2")
    say(scenario, "opt_out", TYPED_OLD, "typed-out")
    wait()
    text(scenario, STARTED_OLD, "STOP", "SM-stop-3")
    wait()
    text(scenario, STARTED_OLD, "START", "SM-start")
    wait()
    return scenario


if __name__ == "__main__":
    assert isinstance(Scenario(1).taken, Counter)
    keep(build(), Path(sys.argv[1]))
