"""What all senders of a process may send together."""

from __future__ import annotations

from math import inf

import pytest

from streams.dispatch.pace import AccountRateLimit, divide_share
from tests.core.dispatch.texts import send_call


def test_after_k_segments_the_account_owes_k_over_its_share() -> None:
    account = AccountRateLimit(10)
    assert account.try_begin(send_call(sender="a")._replace(segments=5), 100.0) == 0
    assert account.try_begin(send_call(sender="b"), 100.1) == pytest.approx(0.4)
    assert account.try_begin(send_call(sender="b"), 100.5) == 0


def test_without_a_limit_no_sender_waits_for_another() -> None:
    account = AccountRateLimit()
    assert [account.try_begin(send_call(sender=f"s{n}"), 100.0) for n in range(5)] == [0.0] * 5


def test_a_sender_keeps_its_own_pace_however_late_it_was_woken() -> None:
    account = AccountRateLimit()
    assert account.try_begin(send_call(interval=1.0), 100.3) == 0
    assert account.try_begin(send_call(interval=1.0), 101.0) == pytest.approx(0.3)


def test_each_429_doubles_the_pause_up_to_ten_seconds() -> None:
    account, clock, rests = AccountRateLimit(), 100.0, []
    for round_ in range(7):
        account.slow_down(round_, None, clock)
        rests.append(account.try_begin(send_call(), clock))
        clock += rests[-1]
    assert rests == pytest.approx([0.5, 1, 2, 4, 8, 10, 10])
    assert account.try_begin(send_call(), clock) == 0


def test_retry_after_pauses_the_account() -> None:
    account = AccountRateLimit()
    account.slow_down(0, 30.0, 100.0)
    assert account.pause_left(110.0) == pytest.approx(20)


def test_a_share_that_grows_starts_with_an_empty_bucket() -> None:
    account = AccountRateLimit(2)
    account.empty(100.0)
    assert account.try_begin(send_call(), 100.0) == 0.5


@pytest.mark.parametrize(
    ("share", "paces", "at_most"),
    [
        pytest.param(10, [], inf, id="no sender"),
        pytest.param(10, [3, 7], inf, id="all fit"),
        pytest.param(10, [100], 10, id="one sender gets all of it"),
        pytest.param(10, [100, 100], 5, id="both get the same"),
        pytest.param(10, [1, 100, 100], 4.5, id="what a slow one leaves goes to the others"),
    ],
)
def test_how_the_share_is_divided(share: float, paces: list[float], at_most: float) -> None:
    assert divide_share(share, paces) == at_most
