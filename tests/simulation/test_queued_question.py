"""Two tenants share a sender.  One has asked a person for opt-in; the other's question is ordered
and has not reached them.  A yes is for the first alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.controls import Pause, Resume
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from tests.simulation.scenario import SHARED
from tests.simulation.test_shared import PHONE, Shared

HELD_UP = ("paused", "limited", "unsent", "refused")


@dataclass
class HeldUp(Shared):
    """`why`: what keeps bolt's question from reaching anybody at first."""

    lost: str = "nobody"
    why: str = "paused"
    is_over: bool = False

    def call(self, post: SendCall, now: datetime) -> SendResult:
        if post.tenant != "bolt" or self.is_over or self.why == "paused":
            return super().call(post, now)
        if self.why == "limited":
            return SendResult.of(post, Result.LIMITED, retry_after=600)
        if self.why == "unsent":
            return SendResult.of(post, Result.UNSENT)
        return SendResult.of(post, Result.REFUSED, code="21612")

    def hold_up(self) -> None:
        if self.why == "paused":
            self.world.publish(t.DISPATCH_CONTROLS, Pause(sender=SHARED, at=self.world.now))
            self.world.settle(until=timedelta(seconds=1))

    def go_on(self) -> None:
        self.is_over = True
        if self.why == "paused":
            self.world.publish(t.DISPATCH_CONTROLS, Resume(sender=SHARED, at=self.world.now))
        self.world.settle(until=timedelta(minutes=30))

    def sent(self) -> set[str]:
        return {f"{post.tenant} {post.message_id}" for post, _ in self.world.posts}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("word", ["YES", "START"])
@pytest.mark.parametrize("why", HELD_UP)
def test_a_yes_is_not_for_a_question_that_has_not_left(why: str, word: str, seed: int) -> None:
    scenario = HeldUp(seed, why=why)
    scenario.asks("acme")
    scenario.hold_up()
    scenario.asks("bolt")
    scenario.writes(word)
    waiting = "none" if why == "refused" else "pending"
    assert scenario.states() == {"acme": "opted_in", "bolt": waiting}
    scenario.go_on()
    assert scenario.states() == {"acme": "opted_in", "bolt": waiting}
    assert "acme m-acme" in scenario.sent()
    assert "bolt m-bolt" not in scenario.sent()
    if why == "refused":
        return
    scenario.writes(f"{word}!")
    assert scenario.states() == {"acme": "opted_in", "bolt": "opted_in"}
    assert "bolt m-bolt" in scenario.sent()


@pytest.mark.parametrize("seed", range(3))
def test_a_stop_is_for_both(seed: int) -> None:
    scenario = HeldUp(seed)
    scenario.asks("acme")
    scenario.hold_up()
    scenario.asks("bolt")
    scenario.writes("STOP")
    assert scenario.states() == {"acme": "opted_out", "bolt": "opted_out"}
    scenario.go_on()
    assert not [
        post for post, _ in scenario.world.posts if (post.tenant, post.to) == ("bolt", PHONE)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_nor_where_workers_crash_between_any_two_steps(seed: int) -> None:
    scenario = HeldUp(seed, crash=0.05)
    scenario.asks("acme")
    scenario.hold_up()
    scenario.asks("bolt")
    scenario.writes("YES")
    assert scenario.states()["bolt"] == "pending"
    scenario.go_on()
    assert "bolt m-bolt" not in scenario.sent()
