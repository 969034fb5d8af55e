"""Make dispatch's calls: each in its turn, while the sender is surely ours, and never more than the account may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import inf
from typing import Final

from schemas.base import Message
from schemas.sender import Sender
from services.failpoints import hit
from services.providers import Provider
from streams.dispatch.pace import AccountRateLimit, fair_pace
from streams.dispatch.provider_calls import Lookup, LookupResult, Result, SendCall, SendResult
from streams.dispatch.spacing import Spacing
from streams.error_codes import Who, meaning
from streams.processing import CallLimits
from streams.runtime.lease import Lease

PATIENCE: Final = 2.0
"""Seconds that a call waits for the account's pace with its lease running; else its sender is told to come back."""
ACTIVE: Final = 5.0
"""Seconds for which a sender that has called takes part in the account's pace."""
LOOKS: Final = 4
"""Lists asked for at a time: doubts must not take the calls' connections."""


class CallExecutor:
    """`timeout`: seconds for one call, and for one list.  No more than `concurrency` calls at a time: what waits for a
    free connection would wait behind the look at the lease."""

    def __init__(
        self,
        provider: Provider,
        concurrency: int = 64,
        *,
        timeout: float = 10.0,
        account: AccountRateLimit | None = None,
    ) -> None:
        self._provider, self._timeout = provider, timeout
        self.account = account or AccountRateLimit()
        self._spacing = Spacing()
        self._free, self._looks = asyncio.Semaphore(concurrency), asyncio.Semaphore(LOOKS)
        self._called: dict[str, float] = {}

    async def __call__(self, effect: SendCall | Lookup, lease: Lease) -> Message:
        return await (
            self._look(effect, lease) if isinstance(effect, Lookup) else self._post(effect, lease)
        )

    async def _post(self, post: SendCall, lease: Lease) -> SendResult:
        self._called[post.sender] = time.monotonic()
        await asyncio.sleep(self._spacing.wait(post, time.monotonic()))
        async with self._free:
            if wait := await self._turn(post):
                return _unsent(
                    post, Result.LIMITED, "account_pace", "others use the account's pace", wait
                )
            if (
                not lease.is_held
            ):  # and again when there is a connection, right before the first byte
                detail = "this worker could not be sure to own the sender still"
                return _unsent(post, Result.UNSENT, "lease_over", detail)
            hit("before-call")
            began = self.account.backoff.round
            answer = await self._provider.send(post, lambda: lease.is_held)
        hit("answer-received")
        self._mind(answer, began)
        return answer

    async def _turn(self, post: SendCall) -> float:
        """0 when it may begin, or seconds after which to come back."""
        while wait := self.account.wait(post, time.monotonic()):
            if wait > PATIENCE:
                return wait
            await asyncio.sleep(wait)
        return 0.0

    def _mind(self, answer: SendResult, began: int) -> None:
        """A limit of the sender's own (its queue at the provider is full) holds up nobody else."""
        if answer.result is Result.LIMITED and meaning(answer.code or "").who is not Who.SENDER:
            self.account.limited(began, answer.retry_after, time.monotonic())
        elif answer.result not in (Result.UNSENT, Result.LIMITED):
            self.account.backoff.went(began)

    async def _look(self, look: Lookup, lease: Lease) -> LookupResult:
        """It changes nothing, so the lease only tells whether anybody still waits for it."""
        async with self._looks:
            if not lease.is_held:
                return _unseen(look, "the worker had to let go of the sender")
            hit("before-look")
            try:
                async with asyncio.timeout(self._timeout):
                    seen = await self._provider.look(look)
            except TimeoutError:
                return _unseen(look, "no list in time")
        hit("after-look")
        return seen

    # --- what the fold is told

    def owns(self, share: float) -> None:
        """Segments per second of the account that go with the partitions owned from now on."""
        if share > self.account.share:
            self.account.owe(time.monotonic())
        self.account.share = share

    def edge(self, now: datetime, senders: Mapping[str, Sender]) -> CallLimits:
        clock = time.monotonic()
        rest = self.account.resting(clock)
        return CallLimits(
            self._timeout,
            self._level(clock, senders),
            now + timedelta(seconds=rest) if rest else None,
        )

    def _level(self, clock: float, senders: Mapping[str, Sender]) -> float:
        if self.account.share == inf:
            return inf
        self._called = {name: at for name, at in self._called.items() if at > clock - ACTIVE}
        paces = [senders[name].segments_per_second for name in self._called if name in senders]
        return min(self.account.share, fair_pace(self.account.share, paces))


def _unsent(
    post: SendCall, result: Result, code: str, detail: str, retry_after: float | None = None
) -> SendResult:
    return SendResult(
        tenant=post.tenant,
        message_id=post.message_id,
        attempt=post.attempt,
        sender=post.sender,
        result=result,
        code=code,
        detail=detail,
        retry_after=retry_after,
    )


def _unseen(look: Lookup, detail: str) -> LookupResult:
    return LookupResult(
        tenant=look.tenant,
        message_id=look.message_id,
        attempt=look.attempt,
        sender=look.sender,
        round=look.round,
        detail=detail,
    )
