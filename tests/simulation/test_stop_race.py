"""A STOP that comes while the text's call waits for its turn at the sender: the call does not
begin."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas import topics as t
from schemas.inbound import InboundMessage
from schemas.send_request import SendRequest
from tests.simulation.scenario import OWN, PEOPLE, Scenario
from tests.simulation.world import World

SEEDS = range(60)


def overtaken(seed: int) -> int:
    """Ten people, each texted and saying STOP within the same half second."""
    scenario = Scenario(seed)
    scenario.people_opt_in()
    scenario.world.settle(until=timedelta(seconds=1))
    for n, number in enumerate(PEOPLE[:10]):
        now, rng = scenario.world.now, scenario.rng
        request = SendRequest(
            message_id=f"m{n}",
            tenant="acme",
            to=number,
            body="hello",
            kind="direct",
            requested_at=now,
        )
        inbound = InboundMessage(
            provider_id=f"SM{n}",
            sender=OWN,
            to_address=OWN,
            number=number,
            body="STOP",
            received_at=now,
        )
        scenario.asked["acme", f"m{n}"] = request
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
