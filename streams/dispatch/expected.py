"""The pace by which it is foretold when a text may leave."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

LASTS: Final = timedelta(seconds=10)
"""What the account leaves to a sender goes up and down with what others send and with partitions that come and go: less
of it is believed when it has been less for so long.  More is believed at once, and so is the sender's own pace."""


def expected_pace(draft: StepBuilder, settings: Settings) -> float | None:
    """Segments per second; None for a sender that nobody knows.  An estimate that is wrong errs towards waiting, and a
    new owner begins as if there were no cap: it has few partitions at first, and so a small share."""
    known, queue, left = settings.senders.get(draft.sender), draft.queue, settings.call_limits.pace
    if known is None:
        return None
    own = known.segments_per_second
    since = queue.less_since
    if left >= min(own, queue.left) or (since is not None and draft.now - since >= LASTS):
        queue.left, queue.less_since = left, None
    elif since is None:
        queue.less_since = draft.now
    return min(own, queue.left)
