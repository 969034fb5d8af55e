"""When a call may really begin: the sender's pace, kept where the call is made."""

from __future__ import annotations

from streams.dispatch.provider_calls import SendCall


class Spacing:
    """The fold lets go a little before it is due (`pump.AHEAD`), so that one commit serves several calls, and commits
    take a varying time.  Whoever performs the Posts asks here, on a monotonic clock, so that over any window the
    segments sent to the provider are at most rate x window + one message."""

    def __init__(self) -> None:
        self._free: dict[str, float] = {}

    def wait(self, post: SendCall, clock: float) -> float:
        """Seconds to wait before this call.  Ask once a call, in the order in which the Posts came."""
        begin = max(clock + post.wait, self._free.get(post.sender, clock))
        self._free[post.sender] = begin + post.rest
        return begin - clock
