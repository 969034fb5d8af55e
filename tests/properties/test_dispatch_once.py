"""However orders, repeats, results, controls and crashes mix: no call is made twice, none after its
Stop, none is lost."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.send import Send
from schemas.topics import ATTEMPTS, RETURNED
from streams.dispatch.provider_calls import Result
from tests.core.dispatch.texts import (
    ANA,
    BEN,
    PAUSE,
    RESUME,
    answer,
    cancel,
    late_receipt,
    order,
    processor,
    send_calls,
    stop,
)
from tests.core.harness import START, ProcessorHarness

messages = st.sampled_from(["m1", "m2", "m3", "m4"])
epochs = st.integers(1, 4)
events = st.lists(
    st.one_of(
        st.tuples(st.just("order"), messages, epochs),
        st.tuples(st.just("answer"), st.sampled_from(Result), st.integers(0, 3)),
        st.tuples(st.just("stop"), st.sampled_from([ANA, BEN]), epochs),
        st.tuples(st.just("cancel"), messages, epochs),
        st.tuples(st.just("sighting"), messages, epochs),
        st.tuples(st.just("crash"), messages, epochs),
        st.tuples(st.sampled_from(["pause", "resume"]), messages, epochs),
        st.tuples(st.just("pass"), st.sampled_from([0.1, 1.0, 30.0, 600.0]), epochs),
    ),
    max_size=50,
)
TAKEN = {Result.ACCEPTED, Result.IN_DOUBT, Result.REFUSED}


class Watched:
    """What the outside sees, by rules that share no code with dispatch."""

    def __init__(self, harness: ProcessorHarness) -> None:
        self.harness = harness
        self.seen = 0
        self.stopped: Counter[str] = Counter()
        self.orders: dict[str, Send] = {}
        self.closed: set[str] = set()
        self.calls: Counter[tuple[str, int]] = Counter()

    def look(self) -> None:
        for post in send_calls(self.harness.calls[self.seen :]):
            given = self.orders[post.message_id]
            self.calls[post.message_id, post.attempt] += 1
            assert self.calls[post.message_id, post.attempt] == 1, "one call an attempt"
            assert post.message_id not in self.closed, (
                "taken, canceled or perhaps taken: never again"
            )
            assert given.consent_epoch >= self.stopped[given.to], "nothing after its Stop"
            assert (
                sum(
                    other.message_id == post.message_id
                    for other in send_calls(self.harness.in_flight)
                )
                == 1
            ), "one at a time"
        self.seen = len(self.harness.calls)

    def order(self, name: str, epoch: int) -> None:
        """The first order counts; the others are its repeats."""
        to = ANA if name in ("m1", "m2") else BEN
        late = START + (timedelta(minutes=5) if name == "m4" else timedelta(hours=10))
        self.orders.setdefault(name, order(name, to=to, consent_epoch=epoch, send_before=late))
        self.harness.feed(self.orders[name])

    def answer(self, result: Result, which: int) -> None:
        if calls := send_calls(self.harness.in_flight):
            post = calls[which % len(calls)]
            self.harness.in_flight.remove(post)
            self.closed |= {post.message_id} if result in TAKEN else set()
            self.harness.answer(answer(post, result, provider_id="SM1"))

    def crash(self) -> None:
        self.closed |= {post.message_id for post in send_calls(self.harness.in_flight)}
        self.harness.crash()

    def stop(self, number: str, epoch: int) -> None:
        self.stopped[number] = max(self.stopped[number], epoch)
        self.harness.feed(stop(epoch, number=number))

    def cancel(self, name: str) -> None:
        self.closed.add(name)
        self.harness.feed(cancel(name))


@settings(max_examples=400, deadline=None)
@given(events)
def test_no_second_call_and_none_after_a_stop(events: list[tuple[str, object, int]]) -> None:
    harness = processor()
    world = Watched(harness)
    for what, which, number in events:
        match what:
            case "order":
                world.order(str(which), number)
            case "answer":
                world.answer(which, number)  # type: ignore[arg-type]
            case "stop":
                world.stop(str(which), number)
            case "cancel":
                world.cancel(str(which))
            case "crash":
                world.crash()
            case "sighting":
                harness.feed(late_receipt(str(which), number))
            case "pause" | "resume":
                harness.feed(PAUSE if what == "pause" else RESUME)
            case _:
                harness.wait(float(which))  # type: ignore[arg-type]
        world.look()
    _every_order_has_its_end(world)


def _every_order_has_its_end(world: Watched) -> None:
    """Nothing more happens, and the provider accepts every call."""
    harness = world.harness
    harness.feed(RESUME)
    for _ in range(40):
        world.look()
        while send_calls(harness.in_flight):
            world.answer(Result.ACCEPTED, 0)
        harness.wait(1000)
    ends = {"accepted", "in_doubt", "refused", "canceled", "expired"}
    for name in world.orders:
        told = [
            attempt.state
            for attempt in harness.published_on(ATTEMPTS)
            if attempt.message_id == name
        ]
        assert told[-1] in ends
        assert told.count("queued") <= 1
    returned = [one.order.message_id for one in harness.published_on(RETURNED)]
    assert len(returned) == len(set(returned))
