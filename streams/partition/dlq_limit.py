"""When a topic's partition stands still, because too many of its records become dead letters.

Theory of operation

A handful of bad records stops nobody: each becomes a dead letter.  Where more than half of the
latest records become dead letters, their producer has gone wrong, or this version reads what it
should not.  Then that topic's partition *stands still* behind the last of them: it is not fetched
any more and its position is kept.  Everything else goes on and commits.  A person looks, and says
how to go on.

What may carry a STOP never stands still (consent, replies, controls, inbound texts): there every
bad record becomes a dead letter, and blocks its number where it names one.

The standstill is kept beside the positions, so a restart does not read the next hundred bad
records.  The record behind it is tried once after each start: a version that can read it goes on by
itself.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

DLQ_WINDOW: Final = 1000
"""The latest records of a topic's partition, which the limit looks at together."""
MIN_DEAD_LETTERS: Final = 100
"""Dead letters in a window before their share means anything."""
MAX_REASON: Final = 300
"""Characters of the first record's reason that are kept."""


class Standstill(NamedTuple):
    """Where a topic's partition stands still, and why."""

    offset: int
    """Of the record that comes next."""
    first: int
    """The offset of the first of the records that became dead letters."""
    reason: str
    """Why that one did."""
    dead_letters: int
    records: int
    """How many were read last, the dead letters among them."""
    at_ms: int

    def describe(self) -> str:
        return (
            f"stands still at {self.offset}: {self.dead_letters} of its last {self.records} "
            f"records could not be read or placed, the first at {self.first} ({self.reason})"
        )


def standstill_name(topic: str, partition: int, standstill: Standstill) -> str:
    """Staff name it to go on."""
    return f"{topic}/{partition}@{standstill.offset}"


def describe_remedy(name: str) -> str:
    return (
        "stop their producer; then start the worker with "
        f"SAYSO_ACCEPT_DEAD_LETTERS={name} to go on, its unreadable records to dead letters"
    )


class DlqLimit:
    """Of one topic's partition."""

    def __init__(self, share: float = 0.5) -> None:
        """`share` of the records that may become dead letters, 0 to 1; at 1 there is no limit."""
        self.share = share
        self.records = 0
        """Counted by whoever evaluates them."""
        self.is_lifted = False
        """A person has let it go on: until a whole window is within the limit."""
        self._dead_letters: deque[tuple[int, int, str]] = deque()

    def add(self, offset: int, reason: str) -> bool:
        """The record counted last became a dead letter.  Whether that is one too many."""
        found = self._dead_letters
        found.append((self.records, offset, reason))
        while found[0][0] <= self.records - DLQ_WINDOW:
            found.popleft()
        window = min(self.records, DLQ_WINDOW)
        exceeded = len(found) >= MIN_DEAD_LETTERS and len(found) > self.share * window
        if self.is_lifted and window == DLQ_WINDOW and not exceeded:
            self.is_lifted = False
        return exceeded and not self.is_lifted

    def build_standstill(self, next_offset: int, at_ms: int) -> Standstill:
        _, first, reason = self._dead_letters[0]
        window = min(self.records, DLQ_WINDOW)
        return Standstill(
            next_offset, first, reason[:MAX_REASON], len(self._dead_letters), window, at_ms
        )
