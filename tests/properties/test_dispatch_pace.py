"""Over any window the segments that reach the provider are at most rate x window + one message:
with timers and commits that come late, owners that crash, or a wall clock that is set forward and
back."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.send import Priority
from streams.dispatch.pace import CallSpacing
from streams.dispatch.provider_calls import Result, SendCall
from streams.dispatch.send_loop import RELEASE_AHEAD
from tests.core.dispatch.texts import answer, order, processor
from tests.core.harness import ProcessorHarness

TICK = 0.05
"""Seconds between dispatch's transactions."""

orders = st.tuples(st.just("order"), st.integers(1, 10))
passing = st.tuples(st.just("pass"), st.floats(0.001, 3))
crashes = st.tuples(st.just("crash"), st.just(0))
clocks = st.tuples(st.just("set clock"), st.integers(-3600, 3600))
events = st.one_of(
    st.lists(st.one_of(orders, passing, crashes), max_size=60),
    st.lists(st.one_of(orders, passing, clocks), max_size=60),
)
"""A new owner knows nothing but its clock: one that is set forward between a crash and the first
call lets that one message go early, so the two are not mixed."""


class Calls:
    """When calls begin on a monotonic clock, each some time after its step. Transactions are at
    least a `tick` apart, and at least as long as a commit takes."""

    def __init__(self, harness: ProcessorHarness, delays: list[float], tick: float = 0.0) -> None:
        self.harness, self.delays, self.tick, self.spacing = harness, delays, tick, CallSpacing()
        self.clock = self.free = 0.0
        self.committed = 0.0
        self.begun: list[tuple[float, SendCall]] = []

    def take(self) -> None:
        """Commits are in order. Calls have a result at once, so that the bound on them does not
        hide the pace."""
        posts, self.harness.in_flight = self.harness.in_flight, []
        delay = self.delays[len(self.begun) % len(self.delays)]
        self.committed = max(self.committed, self.clock + delay)
        self.free = self.clock + max(self.tick, delay) if self.tick else self.clock
        for post in posts:
            self.begun.append((self.committed + self.spacing.reserve(post, self.committed), post))
            self.harness.answer(answer(post, Result.ACCEPTED))

    def crash(self) -> None:
        """Calls that have not begun never do."""
        self.begun = [(at, post) for at, post in self.begun if at <= self.clock]
        self.harness.crash()
        self.spacing, self.committed = CallSpacing(), self.clock

    def let(self, seconds: float) -> None:
        end = self.harness.now + timedelta(seconds=seconds)
        while due := [at for at in self.harness.timers.values() if at <= end]:
            self._to(
                max(
                    self.harness.now + timedelta(seconds=max(0.0, self.free - self.clock)), min(due)
                )
            )
            self.take()
        self._to(max(end, self.harness.now))

    def _to(self, moment: datetime) -> None:
        """Fires the timers that are due by then."""
        self.clock += (moment - self.harness.now).total_seconds()
        self.harness.now = moment
        self.harness.run_until(moment)


@settings(max_examples=150, deadline=None)
@given(
    events=events,
    rate=st.sampled_from([0.5, 1.0, 3.0, 40.0, 100.0, 1000.0]),
    delays=st.lists(st.floats(0, 0.5), min_size=1, max_size=7),
    tick=st.sampled_from([0.0, TICK, 0.25]),
)
def test_no_window_holds_more_than_its_share(
    events: list[tuple[str, float]], rate: float, delays: list[float], tick: float
) -> None:
    harness = processor(rate)
    calls = Calls(harness, delays, tick)
    sizes: dict[str, int] = {}
    for number, (what, amount) in enumerate(events):
        match what:
            case "order":
                sizes[f"m{number}"] = int(amount)
                harness.feed(
                    order(
                        f"m{number}",
                        segments=int(amount),
                        issued_at=harness.now,
                        lane=Priority.REPLY,
                    )
                )
                calls.take()
            case "pass":
                calls.let(amount)
            case "crash":
                calls.crash()
            case "set clock":
                harness.now += timedelta(seconds=amount)
    begun = [
        (at, sizes[post.message_id]) for at, post in sorted(calls.begun, key=lambda call: call[0])
    ]
    for first in range(len(begun)):
        sent = largest = 0
        for at, segments in begun[first:]:
            sent, largest = sent + segments, max(largest, segments)
            assert sent <= rate * (at - begun[first][0]) + largest + 1e-6


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 10), min_size=20, max_size=60),
    rate=st.sampled_from([1.0, 10.0, 100.0, 300.0]),
    tick=st.sampled_from([0.0, 0.02, TICK, RELEASE_AHEAD / 2]),
    delays=st.lists(st.floats(0.001, 0.05), min_size=1, max_size=7),
)
def test_no_pace_is_wasted_while_texts_wait(
    sizes: list[int], rate: float, tick: float, delays: list[float]
) -> None:
    """If commits are no further apart than half of RELEASE_AHEAD."""
    harness = processor(rate)
    calls = Calls(harness, delays, tick)
    for number, size in enumerate(sizes):
        harness.feed(order(f"m{number}", segments=size))
    calls.take()
    while len(calls.begun) < len(sizes):
        calls.let(1)
    last = max(at for at, _ in calls.begun)
    assert last <= sum(sizes[:-1]) / rate + 0.1
