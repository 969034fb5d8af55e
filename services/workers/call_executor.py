"""Make dispatch's calls: each at its time, only while the partition is surely ours, within the
account's limit.

The order of checks matters. A call first waits for its exact time, then for a free connection, then
for the account's limit. The lease is checked last, right before the first byte, and once more by
the provider's client when it has a connection. A worker that slept in between makes no call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import inf
from typing import Final

from schemas.attempt import AttemptCode
from schemas.base import Message
from schemas.sender import Sender
from services.failpoints import hit
from services.providers import Provider
from streams.dispatch.pace import AccountRateLimit, CallSpacing, divide_share
from streams.dispatch.provider_calls import Lookup, LookupResult, Result, SendCall, SendResult
from streams.error_codes import Owner, lookup
from streams.processing import CallLimits
from streams.runtime.timing import Lease

MAX_ACCOUNT_WAIT: Final = 2.0
"""Seconds that a call waits for the account's limit while its lease runs. If it would wait longer,
it is not made, and dispatch queues the text again."""
ACTIVE: Final = 5.0
"""Seconds for which a sender that made a call takes part in the account's limit."""
MAX_LOOKUPS: Final = 4
"""Lookups at a time: they must not take the connections of calls."""


class CallExecutor:
    """What the runtime calls to execute a call. The result goes back to dispatch."""

    def __init__(
        self,
        provider: Provider,
        concurrency: int = 64,
        *,
        timeout: float = 10.0,
        account: AccountRateLimit | None = None,
    ) -> None:
        """`timeout`: seconds for one call or lookup. `concurrency`: calls at a time; more would
        wait for a connection after the lease was checked."""
        self.account = account or AccountRateLimit()
        self._provider = provider
        self._timeout = timeout
        self._spacing = CallSpacing()
        self._connections = asyncio.Semaphore(concurrency)
        self._lookups = asyncio.Semaphore(MAX_LOOKUPS)
        self._called_at: dict[str, float] = {}
        self._error_at: datetime | None = None
        """When the account's pause was first reported."""

    async def __call__(self, call: SendCall | Lookup, lease: Lease) -> Message:
        if isinstance(call, Lookup):
            return await self._look_up(call, lease)
        return await self._send(call, lease)

    async def _send(self, call: SendCall, lease: Lease) -> SendResult:
        self._called_at[call.sender] = time.monotonic()
        await asyncio.sleep(self._spacing.reserve(call, time.monotonic()))
        async with self._connections:
            if wait := await self._wait_for_account(call):
                code, detail = self._why_not_now()
                return SendResult.of(
                    call, Result.LIMITED, code=code, detail=detail, retry_after=wait
                )
            if not lease.is_held:
                return SendResult.of(
                    call,
                    Result.UNSENT,
                    code=AttemptCode.LEASE_OVER,
                    detail="the lease had ended: another worker may own the sender",
                )
            hit("before-call")
            began = self.account.backoff.round
            result = await self._provider.send(call, lambda: lease.is_held)
        hit("answer-received")
        self._adjust_account(result, began)
        return result

    async def _wait_for_account(self, call: SendCall) -> float:
        """0 when the call may begin; otherwise the seconds after which to try again."""
        while wait := self.account.try_begin(call, time.monotonic()):
            if wait > MAX_ACCOUNT_WAIT:
                return wait
            await asyncio.sleep(wait)
        return 0.0

    def _why_not_now(self) -> tuple[str, str]:
        """The code and the words of a call that the account does not allow now.

        What the provider said to one text holds for all: staff must see its code, not ours."""
        code = self.account.pause_code
        if code and self.account.pause_left(time.monotonic()):
            return code, f"not called: to another text the provider answered {code}"
        return AttemptCode.ACCOUNT_PACE, "not called: other senders use up the account's pace"

    def _adjust_account(self, result: SendResult, began: int) -> None:
        """A limit of this sender alone (its queue at the provider is full) slows down no other."""
        if result.result is Result.LIMITED:
            code = result.code or AttemptCode.TOO_MANY
            if lookup(code).owner is not Owner.SENDER:
                self.account.slow_down(began, result.retry_after, time.monotonic(), code)
                self._error_at = None
        elif result.result is not Result.UNSENT:
            self.account.backoff.recover(began)

    async def _look_up(self, lookup: Lookup, lease: Lease) -> LookupResult:
        """It changes nothing, so the lease only says whether anybody still waits for it."""
        async with self._lookups:
            if not lease.is_held:
                return LookupResult.of(lookup, None, "this worker does not own the sender any more")
            hit("before-look")
            try:
                async with asyncio.timeout(self._timeout):
                    result = await self._provider.look_up(lookup)
            except TimeoutError:
                return LookupResult.of(lookup, None, "the list did not come in time")
        hit("after-look")
        return result

    # --- what dispatch is told about the account

    def set_share(self, share: float) -> None:
        """Segments a second of the account's limit that go with the partitions owned from now
        on."""
        if share > self.account.share:
            self.account.empty(time.monotonic())
        self.account.share = share

    def call_limits(self, now: datetime, senders: Mapping[str, Sender]) -> CallLimits:
        clock = time.monotonic()
        pause = self.account.pause_left(clock)
        return CallLimits(
            self._timeout,
            self._pace_for_each(clock, senders),
            now + timedelta(seconds=pause) if pause else None,
        )

    def account_error(self, now: datetime) -> tuple[str, datetime] | None:
        """What the provider said to pause the account, and when; None while it does not pause."""
        if not (self.account.pause_code and self.account.pause_left(time.monotonic())):
            return None
        self._error_at = self._error_at or now
        return self.account.pause_code, self._error_at

    def _pace_for_each(self, clock: float, senders: Mapping[str, Sender]) -> float:
        share = self.account.share
        if share == inf:
            return inf
        self._called_at = {name: at for name, at in self._called_at.items() if at > clock - ACTIVE}
        paces = [senders[name].segments_per_second for name in self._called_at if name in senders]
        return min(share, divide_share(share, paces))
