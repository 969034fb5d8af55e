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
        """Whether a timer is due at `due`, and the broker has named no ends since."""
        return self._passed_until < due <= now and not self.ends

    def note(self, ends: Mapping[str, int], at: float) -> None:
        """The broker named these ends at `at` or later."""
        self.ends, self._asked_at = dict(ends), at

    def forget(self) -> None:
        """The consumer is sought elsewhere: ask the broker again."""
        self.ends.clear()

    def timers_until(self, read: Mapping[str, int], is_passed_over: Callable[[str], bool]) -> float:
        """Timers that are due by then may fire.  `read`: by topic, up to where everything is
        evaluated."""
        if self.ends:
            self.ends = {
                topic: end
                for topic, end in self.ends.items()
                if read.get(topic, 0) < end and not is_passed_over(topic)
            }
        if not self.ends:
            self._passed_until = self._asked_at
        return self._passed_until
