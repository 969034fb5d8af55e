"""What had reached Kafka before a timer was due comes before the timer.

The consumer, or the whole process, may be seconds behind when a held text's time comes, and a STOP
may lie on its topic already.  So a timer fires only once the topics that may say otherwise have
been read to the ends that the broker named when the timer was due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


class EndsCheck:
    """Times are seconds since 1970."""

    def __init__(self, *, enabled: bool) -> None:
        """Where it is not enabled, every timer may fire."""
        self.ends: dict[str, int] = {}
        """By topic, the offset to read to before the next timer fires."""
        self._asked_at = self._passed_until = float("-inf" if enabled else "inf")

    def must_ask(self, due: float, now: float) -> bool:
        """Whether a timer is due, and nobody has asked since where the topics end."""
        return self._passed_until < due <= now and not self.ends

    def note(self, ends: Mapping[str, int], at: float) -> None:
        """The topics ended there when they were asked, at `at` or later."""
        self.ends, self._asked_at = dict(ends), at

    def forget(self) -> None:
        """What was fetched is fetched anew."""
        self.ends.clear()

    def timers_until(self, read: Mapping[str, int], is_passed_over: Callable[[str], bool]) -> float:
        """Timers that are due by then may fire.  `read`: by topic, up to where everything is
        evaluated."""
        left = {topic: end for topic, end in self.ends.items() if read.get(topic, 0) < end}
        self.ends = {topic: end for topic, end in left.items() if not is_passed_over(topic)}
        if not self.ends:
            self._passed_until = self._asked_at
        return self._passed_until
