"""Over any window the account's segments are at most share x window + one message, and so are each
sender's, however late calls are woken."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.dispatch.pace import AccountRateLimit, divide_share
from streams.dispatch.provider_calls import SendCall
from tests.core.dispatch.texts import ANA

calls = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 10), st.floats(0, 5), st.floats(0, 0.3)),
    min_size=1,
    max_size=40,
)
"""Sender, segments, when it is first asked for, and by how much its timer is late each time."""


def begun(
    account: AccountRateLimit, pace: float, calls: Iterable[tuple[str, int, float, float]]
) -> list[tuple[float, SendCall]]:
    known = list(calls)
    waiting = [(at, number) for number, (_, _, at, _) in enumerate(known)]
    heapq.heapify(waiting)
    found = list[tuple[float, SendCall]]()
    while waiting:
        clock, number = heapq.heappop(waiting)
        sender, size, _, late = known[number]
        post = SendCall(
            "acme", f"m{number}", 1, sender, ANA, "", interval=size / pace, segments=size
        )
        wait = account.try_begin(post, clock)
        if wait:
            heapq.heappush(waiting, (clock + wait + late, number))
        else:
            found.append((clock, post))
    return found


def within(begun: list[tuple[float, SendCall]], rate: float) -> None:
    for first in range(len(begun)):
        sent = largest = 0
        for at, post in begun[first:]:
            sent, largest = sent + post.segments, max(largest, post.segments)
            assert sent <= rate * (at - begun[first][0]) + largest + 1e-6


@settings(max_examples=150, deadline=None)
@given(calls, st.sampled_from([0.5, 3.0, 100.0]), st.sampled_from([1.0, 10.0, 1000.0]))
def test_no_window_exceeds_the_account_or_the_sender(
    calls: list[tuple[str, int, float, float]], pace: float, share: float
) -> None:
    went = begun(AccountRateLimit(share), pace, calls)
    assert len(went) == len(calls)
    within(went, share)
    for sender in "abc":
        within([(at, post) for at, post in went if post.sender == sender], pace)


@given(st.floats(0.1, 1000), st.lists(st.floats(0.1, 1000), min_size=1, max_size=20))
def test_the_divided_share_is_used_and_not_exceeded(share: float, paces: list[float]) -> None:
    at_most = divide_share(share, paces)
    used = sum(min(pace, at_most) for pace in paces)
    assert used <= share * (1 + 1e-9)
    assert used >= min(share, sum(paces)) * (1 - 1e-9)
