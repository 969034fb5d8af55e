"""Calls at their time: the account's limit, its pause after a 429, and slow lists."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from schemas.sender import Sender, SenderKind
from services.workers.call_executor import MAX_ACCOUNT_WAIT, CallExecutor
from streams.dispatch.pace import AccountRateLimit
from streams.dispatch.provider_calls import Lookup, LookupResult, Result, SendCall, SendResult
from streams.runtime.timing import Lease

OWN, OTHER, ANA = "72975", "72976", "+14155550101"
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LOOK = Lookup(
    "acme", "m1", 1, OWN, ANA, START - timedelta(minutes=5), START + timedelta(minutes=5), 1
)


class Carrier:
    """Returns the result that is set, and records when it was called."""

    def __init__(self, result: Result = Result.ACCEPTED, retry_after: float | None = None) -> None:
        self.result, self.retry_after = result, retry_after
        self.code: str | None = "20429"
        self.begun: list[float] = []

    async def send(self, call: SendCall, held: Callable[[], bool] = lambda: True) -> SendResult:
        self.begun.append(time.monotonic())
        return SendResult.of(
            call,
            self.result,
            retry_after=self.retry_after,
            provider_id="SM1",
            code=self.code,
        )

    async def look_up(self, look: Lookup) -> LookupResult:
        await asyncio.sleep(3600)
        raise AssertionError

    async def close(self) -> None: ...


def call(number: int = 1, sender: str = OWN, segments: int = 1) -> SendCall:
    return SendCall("acme", f"m{number}", 1, sender, ANA, "hello", segments=segments)


async def test_calls_of_all_senders_together_keep_the_accounts_pace() -> None:
    carrier = Carrier()
    executor = CallExecutor(carrier, account=AccountRateLimit(50))
    await asyncio.gather(
        *(executor(call(n, sender), Lease(60)) for n in range(5) for sender in (OWN, OTHER))
    )
    first, *_, last = carrier.begun
    assert len(carrier.begun) == 10
    assert last - first >= 9 / 50


async def test_a_call_that_would_wait_long_is_not_made() -> None:
    carrier = Carrier()
    executor = CallExecutor(carrier, account=AccountRateLimit(1))
    await executor(call(segments=30), Lease(60))
    answer = await executor(call(2, OTHER), Lease(60))
    assert (answer.result, answer.code) == (Result.LIMITED, "account_pace")  # type: ignore[attr-defined]
    assert MAX_ACCOUNT_WAIT < answer.retry_after <= 30  # type: ignore[attr-defined]
    assert len(carrier.begun) == 1


async def test_a_429_pauses_the_account_as_long_as_it_asks() -> None:
    carrier = Carrier(Result.LIMITED, retry_after=30.0)
    executor = CallExecutor(carrier)
    await executor(call(), Lease(60))
    answer = await executor(call(2, OTHER), Lease(60))
    assert answer.code == "20429"  # type: ignore[attr-defined]
    assert answer.detail == "not called: to another text the provider answered 20429"  # type: ignore[attr-defined]
    assert len(carrier.begun) == 1
    limits = executor.call_limits(START, {})
    assert limits.paused_until is not None
    assert START + timedelta(seconds=29) < limits.paused_until <= START + timedelta(seconds=30)


@pytest.mark.parametrize("code", ["20003", "20005", None])
async def test_what_the_provider_said_of_the_account_is_told_of_every_sender(
    code: str | None,
) -> None:
    carrier = Carrier(Result.LIMITED, retry_after=30.0)
    carrier.code = code
    executor = CallExecutor(carrier)
    assert executor.account_error(START) is None
    await executor(call(), Lease(60))
    answer = await executor(call(2, OTHER), Lease(60))
    assert answer.code == (code or "429")  # type: ignore[attr-defined]
    assert executor.account_error(START) == (code or "429", START)
    assert executor.account_error(START + timedelta(seconds=5)) == (code or "429", START)


async def test_a_senders_own_full_queue_pauses_no_other() -> None:
    carrier = Carrier(Result.LIMITED, retry_after=30.0)
    carrier.code = "21611"
    executor = CallExecutor(carrier)
    await asyncio.gather(executor(call(), Lease(60)), executor(call(2, OTHER), Lease(60)))
    assert len(carrier.begun) == 2
    assert executor.call_limits(START, {}).paused_until is None


async def test_the_limits_say_what_each_sender_may_have() -> None:
    executor = CallExecutor(Carrier(), timeout=3.0)
    senders = {
        name: Sender(sender=name, kind=SenderKind.SHORT_CODE, owner="acme") for name in (OWN, OTHER)
    }
    assert executor.call_limits(START, senders) == (3.0, float("inf"), None)
    executor.set_share(50)
    assert executor.call_limits(START, senders).pace == 50
    await asyncio.gather(executor(call(), Lease(60)), executor(call(2, OTHER), Lease(60)))
    assert executor.call_limits(START, senders).pace == 25


@pytest.mark.parametrize(
    ("held", "detail"),
    [(True, "the list did not come in time"), (False, "does not own the sender")],
)
async def test_a_lookup_without_a_list_gives_none(held: bool, detail: str) -> None:
    lease = Lease(60)
    if not held:
        lease.revoke()
    seen = await CallExecutor(Carrier(), timeout=0.01)(LOOK, lease)
    assert isinstance(seen, LookupResult)
    assert (seen.entries, seen.round) == (None, 1)
    assert detail in seen.detail
