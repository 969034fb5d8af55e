"""A refusal slows down the account, or its sender alone."""

from __future__ import annotations

import time

import pytest

from services.local.simulator import Script, Simulator
from services.workers.call_executor import CallExecutor
from streams.runtime.timing import Lease
from tests.adapters.calls import post, twilio


@pytest.mark.parametrize(
    ("fate", "rests"),
    [
        pytest.param("rate-limit", True, id="429"),
        pytest.param("refuse:10001", True, id="the account is switched off"),
        pytest.param("refuse:21611", False, id="the sender's queue is full"),
        pytest.param("refuse:21211", False, id="no such number"),
        pytest.param("delivered", False, id="accepted"),
    ],
)
async def test_a_senders_own_limit_pauses_no_other(fate: str, rests: bool) -> None:
    script = Script.model_validate({"otherwise": fate})
    async with Simulator(script) as sim, twilio(sim.url) as client:
        performer = CallExecutor(client)
        await performer(post(), Lease(60))
        assert (performer.account.pause_left(time.monotonic()) > 0) is rests
