"""What all senders of a process may send together."""

from __future__ import annotations

from math import inf

import pytest

from streams.dispatch.pace import AccountRateLimit, divide_share
from tests.core.dispatch.test_pace import post


def test_after_k_segments_the_account_owes_k_over_its_share() -> None:
    account = AccountRateLimit(10)
    assert account.try_begin(post(sender="a")._replace(segments=5), 100.0) == 0
    assert account.try_begin(post(sender="b"), 100.1) == pytest.approx(0.4)
    assert account.try_begin(post(sender="b"), 100.5) == 0


def test_without_a_cap_nobody_waits_for_another() -> None:
    account = AccountRateLimit()
    assert [account.try_begin(post(sender=f"s{n}"), 100.0) for n in range(5)] == [0.0] * 5


def test_a_sender_keeps_its_own_pace_however_late_it_was_woken() -> None:
    account = AccountRateLimit()
    assert account.try_begin(post(interval=1.0), 100.3) == 0
    assert account.try_begin(post(interval=1.0), 101.0) == pytest.approx(0.3)


def test_after_a_429_all_rest_twice_as_long_each_time_and_ten_seconds_at_most() -> None:
    account, clock, rests = AccountRateLimit(), 100.0, []
    for round_ in range(7):
        account.slow_down(round_, None, clock)
        rests.append(account.try_begin(post(), clock))
        clock += rests[-1]
    assert rests == pytest.approx([0.5, 1, 2, 4, 8, 10, 10])
    assert account.try_begin(post(), clock) == 0


def test_what_the_provider_asks_for_is_honoured() -> None:
    account = AccountRateLimit()
    account.slow_down(0, 30.0, 100.0)
    assert account.pause_left(110.0) == pytest.approx(20)


def test_a_share_that_grows_begins_with_an_empty_bucket() -> None:
    account = AccountRateLimit(2)
    account.empty(100.0)
    assert account.try_begin(post(), 100.0) == 0.5


@pytest.mark.parametrize(
    ("share", "paces", "at_most"),
    [
        pytest.param(10, [], inf, id="nobody"),
        pytest.param(10, [3, 7], inf, id="all fit"),
        pytest.param(10, [100], 10, id="one alone has all of it"),
        pytest.param(10, [100, 100], 5, id="the same for both"),
        pytest.param(10, [1, 100, 100], 4.5, id="what a slow one leaves is for the others"),
    ],
)
def test_how_the_share_is_divided(share: float, paces: list[float], at_most: float) -> None:
    assert divide_share(share, paces) == at_most
