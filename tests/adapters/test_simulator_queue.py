"""Pace and queue of a sender, in simulated time."""

from __future__ import annotations

import pytest

from services.local.simulator import Script, Simulator
from services.local.simulator.context import SenderState
from services.local.simulator.messages import count_segments
from services.local.simulator.script import SenderConfig
from streams.dispatch.provider_calls import Result
from tests.adapters.calls import post, twilio
from tests.adapters.waiting import quiet

SERVICE = "MG" + "1" * 32


@pytest.mark.parametrize(
    ("sender", "pace"), [("24365", 100), ("+18005550100", 3), ("+14155550100", 1), (SERVICE, 1)]
)
def test_pace_by_kind(sender: str, pace: float) -> None:
    state = SenderState(sender, SenderConfig())
    assert state.queue(0.0, 6) == 6 / pace


def test_the_queue_drains_at_its_pace() -> None:
    state = SenderState("24365", SenderConfig(pace=2, queue=10))
    assert [state.queue(0.0, 1), state.queue(0.0, 3), state.queue(100.0, 1)] == [0.5, 2.0, 100.5]


async def test_a_full_queue_refuses_a_number_and_fails_a_service_later() -> None:
    script = Script.model_validate({"senders": {"*": {"pace": 1, "queue": 2}}})
    async with Simulator(script, speed=0.001) as sim, twilio(sim.url) as client:
        answers = [await client.send(post(message_id=f"m{n}")) for n in range(4)]
        assert [answer.code for answer in answers] == [None, None, None, "21611"]
    async with Simulator(script, speed=20) as sim, twilio(sim.url) as client:
        body = "x" * 1600
        answers = [
            await client.send(post(message_id=f"m{n}", sender=SERVICE, body=body)) for n in range(2)
        ]
        assert {answer.result for answer in answers} == {Result.ACCEPTED}
        await quiet(sim)
        assert [(message.status, message.error) for message in sim.messages] == [
            ("delivered", None),
            ("failed", 30001),
        ]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("é" * 160, 1),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("🎉" * 35, 1),
        ("🎉" * 36, 2),
    ],
)
def test_segments_counted_on_its_own(body: str, count: int) -> None:
    assert count_segments(body) == count
