"""How fast a sender may send.

Theory of operation
-------------------
A sender has a pace in segments a second. Over any window, the segments sent are at most pace x
window + one message. That holds across owners too.

1. In the processor, a `TokenBucket` decides which texts a step releases. It works by the time of
   steps, which is coarse: one commit releases all that is due within the next 200 ms.
2. In the worker, `CallSpacing` holds each released call until its exact time on a monotonic clock.
3. In the worker, the `AccountRateLimit` bounds all senders of the process together. It decides
   last, when a call is about to start, so a late wake-up does not break the bound.

After a 429 a `BackOff` pauses the sender, and another one the account. `PaceForecast` estimates the
pace that a sender will have; dispatch uses it to return texts that cannot leave in time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import inf, isfinite
from typing import Final

from streams.dispatch.provider_calls import SendCall
from streams.processing import Settings

FIRST_BACKOFF: Final = 0.5
MAX_BACKOFF: Final = 10.0
"""Seconds. A provider that takes texts again is noticed within ten seconds."""
MAX_RETRY_AFTER: Final = 3600.0
"""Seconds: a longer `Retry-After` is cut to this."""
DIP: Final = timedelta(seconds=10)
"""A lower pace is believed once it has lasted this long."""


def pace_of(sender: str, settings: Settings) -> float | None:
    """Segments a second: the sender's own pace, or what the account leaves of it. None for an
    unknown sender."""
    known = settings.senders.get(sender)
    return None if known is None else min(known.segments_per_second, settings.call_limits.pace)


class TokenBucket:
    """After k segments a sender owes k/rate seconds.

    A new owner starts with an empty bucket: its first message waits until its own segments are
    earned, and those that the earlier owner may have sent last.

    Its clock is the sum of the forward steps between the times it is shown. A clock that is set
    back grants nothing and delays nothing. A clock that is set forward lets one message leave
    early."""

    def __init__(self) -> None:
        self._seen: datetime | None = None
        self._clock = 0.0
        self._free_at = 0.0
        self._owed = 0

    @classmethod
    def empty(cls, owed: int = 1) -> TokenBucket:
        """`owed`: segments of the largest message that an earlier owner may have sent last."""
        bucket = cls()
        bucket._owed = max(1, owed)
        return bucket

    def advance(self, now: datetime) -> None:
        if now is self._seen:  # all records of a transaction get the same object
            return
        if self._seen is not None:
            self._clock += max(0.0, (now - self._seen).total_seconds())
        self._seen = now

    def wait(self, segments: int, rate: float) -> float:
        """Seconds until a message of so many segments may leave."""
        free_at = self._free_at
        if self._owed:
            free_at = max(free_at, max(segments, self._owed) / rate)
        return max(0.0, free_at - self._clock)

    def take(self, segments: int, rate: float) -> float:
        """The message leaves as soon as it may: in so many seconds."""
        wait = self.wait(segments, rate)
        self._free_at = self._clock + wait + segments / rate
        self._owed = 0
        return wait

    def pause(self, seconds: float) -> None:
        """Nothing leaves for so long."""
        self._free_at = max(self._free_at, self._clock + seconds)


class BackOff:
    """Doubles the pause with every 429. Calls that were in flight together count once: each carries
    the `round` in which it began."""

    def __init__(self) -> None:
        self.round = 0
        self._seconds = 0.0

    def slow_down(self, began: int, retry_after: float | None) -> float:
        """Seconds for which nothing should leave."""
        requested = 0.0
        if retry_after is not None and isfinite(retry_after):
            requested = min(max(retry_after, 0.0), MAX_RETRY_AFTER)
        if began != self.round:
            return requested
        self.round += 1
        self._seconds = min(MAX_BACKOFF, self._seconds * 2) or FIRST_BACKOFF
        return requested or self._seconds

    def recover(self, began: int) -> None:
        """A call that began after the last 429 had another result."""
        if began == self.round:
            self._seconds = 0.0


class CallSpacing:
    """Holds the calls of a sender apart.

    The processor releases a call a little before it is due (`send_loop.RELEASE_AHEAD`), so that one
    commit serves several calls, and commits take a varying time. So the exact time is kept where
    the call is made."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def reserve(self, call: SendCall, clock: float) -> float:
        """Seconds to wait before this call. Ask once for each call, in the order in which they were
        released."""
        begin = max(clock + call.delay, self._free_at.get(call.sender, clock))
        self._free_at[call.sender] = begin + call.interval
        return begin - clock


class AccountRateLimit:
    """What all senders of this process may send together. Clocks are monotonic seconds.

    After k segments the account owes k/share seconds, and the sender k/pace. Both hold when a call
    really begins, however late it was woken. After a 429 no call begins for a while (`BackOff`)."""

    def __init__(self, share: float = inf) -> None:
        self.share = share
        """Segments a second of the account's limit that belong to this process; infinite if there
        is no limit."""
        self.backoff = BackOff()
        self.pause_code = ""
        """What the provider answered when it last paused the account."""
        self._free_at = -inf
        self._paused_until = -inf
        self._sender_free_at: dict[str, float] = {}

    def try_begin(self, call: SendCall, clock: float) -> float:
        """0: the call begins now, and is counted. Otherwise the seconds after which to ask
        again."""
        sender_free_at = self._sender_free_at.get(call.sender, -inf)
        wait = max(self._free_at, self._paused_until, sender_free_at) - clock
        if wait > 0:
            return wait
        self._free_at = clock + call.segments / self.share
        self._sender_free_at[call.sender] = clock + call.interval
        return 0.0

    def slow_down(
        self, began: int, retry_after: float | None, clock: float, code: str = ""
    ) -> None:
        """A call had a 429, or another code that says "later" of the whole account.

        `began` is the `backoff.round` in which it began."""
        self.pause_code = code
        pause = self.backoff.slow_down(began, retry_after)
        self._paused_until = max(self._paused_until, clock + pause)

    def pause_left(self, clock: float) -> float:
        """Seconds for which no call begins."""
        return max(0.0, self._paused_until - clock)

    def empty(self, clock: float) -> None:
        """Start with an empty bucket, as a new owner does: the earlier owner may have used up its
        share."""
        self._free_at = max(self._free_at, clock + 1 / self.share)


def divide_share(share: float, paces: Iterable[float]) -> float:
    """The most segments a second that each sender may have, so that together they use the share.
    What a slow sender does not need goes to the others. Infinite if they all fit."""
    left = share
    waiting = sorted(paces)
    while waiting:
        fair = left / len(waiting)
        if waiting[0] > fair:
            return fair
        left -= waiting.pop(0)
    return inf


class PaceForecast:
    """Expected send rate, used to estimate when a text may leave.

    What the account leaves to a sender goes up and down, with what others send and with partitions
    that come and go. So less is believed only after it has lasted (`DIP`). More is believed at
    once, and so is the sender's own pace. An error makes texts wait; it does not return them. A new
    owner starts as if there were no limit, because at first it has few partitions and so a small
    share."""

    def __init__(self) -> None:
        self._left = inf
        """What the account leaves to this sender, as far as it is believed."""
        self._less_since: datetime | None = None

    def estimate(self, sender: str, settings: Settings, now: datetime) -> float | None:
        """Segments a second; None for an unknown sender."""
        known = settings.senders.get(sender)
        if known is None:
            return None
        own = known.segments_per_second
        left = settings.call_limits.pace
        since = self._less_since
        if left >= min(own, self._left) or (since is not None and now - since >= DIP):
            self._left = left
            self._less_since = None
        elif since is None:
            self._less_since = now
        return min(own, self._left)
