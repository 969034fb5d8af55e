"""The account's pace: what all senders of this process may send together, kept where the calls are made."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from streams.dispatch.backoff import BackOff
from streams.dispatch.provider_calls import SendCall


class AccountRateLimit:
    """`share`: segments per second of the account that fall to this process; infinite where no cap is set.  Clocks are
    monotonic seconds.

    Two bounds hold when a call really begins, however late it was woken: after k segments the account owes k/share, and
    the sender k/its own pace.  After a 429 nobody begins for a while: twice as long each time it comes again, ten
    seconds at most, or as long as the provider asked for."""

    def __init__(self, share: float = inf) -> None:
        self.share = share
        self.backoff = BackOff()
        self._free = self._rested = -inf
        self._owed: dict[str, float] = {}

    def wait(self, post: SendCall, clock: float) -> float:
        """0: it begins now, and is counted.  Else seconds after which to ask again."""
        wait = max(self._free, self._rested, self._owed.get(post.sender, -inf)) - clock
        if wait > 0:
            return wait
        self._free = clock + post.segments / self.share
        self._owed[post.sender] = clock + post.rest
        return 0.0

    def limited(self, began: int, retry_after: float | None, clock: float) -> None:
        """A 429 came for a call of this round (`backoff.round` when it began)."""
        self._rested = max(self._rested, clock + self.backoff.slowed(began, retry_after))

    def resting(self, clock: float) -> float:
        """Seconds for which nobody begins a call."""
        return max(0.0, self._rested - clock)

    def owe(self, clock: float) -> None:
        """Begin anew with an empty bucket, as a new owner does: one that was here before may have used up its share."""
        self._free = max(self._free, clock + 1 / self.share)


def fair_pace(share: float, paces: Iterable[float]) -> float:
    """Segments per second that each sender may have at most, so that together they use the share: a slow sender's rest
    is left to the others.  Infinite where they all fit."""
    left, waiting = share, sorted(paces)
    while waiting:
        fair = left / len(waiting)
        if waiting[0] > fair:
            return fair
        left -= waiting.pop(0)
    return inf
