"""How long a lane lets facts come together before its next transaction.

A transaction costs the broker and us some milliseconds of CPU, whatever is in it.  Where few facts come, the first one
goes at once and the next ones share a short tick.  Where many come, they share a longer one: nobody among so many
notices a third of a second, and at fifty messages a second it saves half of the CPU.
"""

from __future__ import annotations

import math
from typing import Final

from streams.processor import Batching

MANY: Final = 40.0
"""Facts a second of one worker, from which on they come together.  Of fewer each would wait for next to nothing."""
ENOUGH: Final = 32
"""Facts that are here: what more of them in one transaction would save is little."""


SLOW, FAST = 1.0, 0.05
"""Seconds: over which a flow is looked at."""


class Flow:
    """Whether many facts come: over the last second, and still."""

    def __init__(self) -> None:
        self._rates = {SLOW: 0.0, FAST: 0.0}
        self._at = float("-inf")

    def is_large(self, now: float) -> bool:
        """Of what came a second ago nothing is known any more."""
        return now - self._at < SLOW and min(self._rates.values()) >= MANY

    def note(self, now: float, records: int) -> None:
        """`now`: on the monotonic clock, not earlier than before.  No rate counts for more than twice MANY: who comes
        alone after a flood is not to wait for its memory to fade."""
        gap = max(now - self._at, 1e-3)
        self._at = now
        for period, rate in self._rates.items():
            change = (records / gap - rate) * -math.expm1(-gap / period)
            self._rates[period] = min(rate + change, 2 * MANY)


def rest(batching: Batching, tick: float, large: bool, waiting: int, due: bool) -> float:
    """Seconds from the begin of one transaction to the begin of the next.

    `tick`: the worker's own.  `large`: the flow is.  `waiting`: facts that are here already.  `due`: a wake has come,
    on which a sender's pace depends, or a text that may be a STOP."""
    short = tick if batching.tick is None else batching.tick
    return max(short, batching.busy_tick) if large and waiting < ENOUGH and not due else short
