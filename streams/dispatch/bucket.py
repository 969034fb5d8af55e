"""A sender's pace: after k segments it owes k/rate seconds."""

from __future__ import annotations

from datetime import datetime


class Bucket:
    """Over any window the segments taken are at most rate x window + one message; over owners too, for a new owner
    starts with an empty one: its first message waits for its own segments to be earned, and for those that the owner
    before may have sent last.

    Time is the sum of the steps forward between the `now`s it is shown: a clock that is set back grants nothing and
    delays nothing; one that is set forward lets one message go early."""

    def __init__(self) -> None:
        self._seen: datetime | None = None
        self._clock = 0.0
        self._free = 0.0
        self._earn = 0

    @classmethod
    def empty(cls, owed: int = 1) -> Bucket:
        """`owed`: segments of the largest message that may have gone last."""
        bucket = cls()
        bucket._earn = max(1, owed)
        return bucket

    def tick(self, now: datetime) -> None:
        if now is self._seen:  # all facts of a transaction are given the same one
            return
        if self._seen is not None:
            self._clock += max(0.0, (now - self._seen).total_seconds())
        self._seen = now

    def wait(self, segments: int, rate: float) -> float:
        """Seconds until a message of so many segments may go."""
        free = max(self._free, max(segments, self._earn) / rate) if self._earn else self._free
        return max(0.0, free - self._clock)

    def take(self, segments: int, rate: float) -> float:
        """The message goes as soon as it may: in so many seconds."""
        wait = self.wait(segments, rate)
        self._free = self._clock + wait + segments / rate
        self._earn = 0
        return wait

    def rest(self, seconds: float) -> None:
        """Nothing goes for so long."""
        self._free = max(self._free, self._clock + seconds)
