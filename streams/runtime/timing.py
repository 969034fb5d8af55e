"""The runtime's time limits, the lease of a call, and how long records gather before a transaction.

Theory of operation

*Lease.*  The broker fences what is written to Kafka; it cannot fence a call to somebody else.  An
owner that slept between its commit and its call (SIGSTOP, a suspended machine) must not make the
call: by then another owner may have found the same state entry and acted on it.  So a commit gives
a lease, shorter than the session after which the broker gives the partition away, and a call begins
only while the lease is held.

*Batch delay.*  A transaction costs the broker and us some milliseconds of CPU, whatever is in it.
Where few records come, the first one goes at once and the next ones share a short tick.  Where many
come, they share a longer one: nobody among so many notices a third of a second, and at fifty
messages a second it saves half of the CPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streams.processor import Batching

HIGH_RATE: Final = 40.0
"""Records a second of one worker, from which on they gather.  At fewer each would wait for next to
nothing."""
ENOUGH: Final = 32
"""Records that are here: what more of them in one transaction would save is little."""
SLOW: Final = 1.0
"""Seconds over which the arrival rate is averaged, to see that many records came ..."""
FAST: Final = 0.05
"""... and that they still come."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True)
class RuntimeLimits:
    tick: float = 0.02
    """Seconds from one transaction's begin to the next.  The first record goes at once; the next
    ones share one."""
    batch_limit: int = 2000
    """Records that one transaction may evaluate."""
    session_timeout: float = 15.0
    """Seconds without a heartbeat after which the broker gives our partitions away."""
    transaction_timeout: float = 20.0
    """Seconds after which the broker aborts a transaction that its owner left open."""
    request_timeout: float = 24.0
    """Seconds after which aiokafka gives a request up and closes the connection."""
    fence_timeout: float = 30.0
    """Seconds for a partition's writer to take over from an earlier owner."""
    call_timeout: float = 10.0
    """Seconds that one call to the provider may take; a rebalance waits for it."""
    lease: float = 7.5
    """Half a session: the broker may have heard from us for the last time a heartbeat before the
    commit."""
    dlq_share: float = 0.5
    """The share of a topic's records that may become dead letters before its partition stands
    still."""
    accepted_standstills: frozenset[str] = frozenset()
    """Names of standstills that staff let go on."""

    @property
    def commit_timeout(self) -> float:
        """Seconds for a transaction, from its first request to the answer to its last: less than
        the broker grants.  A killed leader's partitions have another by then."""
        return self.transaction_timeout * 0.8


def boot_time() -> float:
    """Seconds, monotonic; goes on while the machine is suspended, where the system has such a
    clock."""
    return time.clock_gettime(_CLOCK)


class Lease:
    """Ask `is_held` immediately before the call.

    The seconds count from the moment *before* the commit was requested (`since`): a machine may
    sleep between the broker's answer and our reading it."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = boot_time, since: float | None = None
    ) -> None:
        self._clock = clock
        self._until = (clock() if since is None else since) + seconds

    @property
    def is_held(self) -> bool:
        return self._clock() < self._until

    def revoke(self) -> None:
        self._until = float("-inf")


class ArrivalRate:
    """Whether many records come: over the last second, and still."""

    def __init__(self) -> None:
        self._rates = {SLOW: 0.0, FAST: 0.0}
        self._at = float("-inf")

    def is_high(self, now: float) -> bool:
        """False a second after the last record, whatever came before."""
        return now - self._at < SLOW and min(self._rates.values()) >= HIGH_RATE

    def note(self, now: float, records: int) -> None:
        """`now` is on the monotonic clock.  A rate counts for at most twice HIGH_RATE: a record
        that comes alone after a flood must not wait for the flood's average to fade."""
        gap = max(now - self._at, 1e-3)
        self._at = now
        for period, rate in self._rates.items():
            change = (records / gap - rate) * -math.expm1(-gap / period)
            self._rates[period] = min(rate + change, 2 * HIGH_RATE)


def batch_delay(
    batching: Batching, tick: float, rate_is_high: bool, pending: int, is_due: bool
) -> float:
    """Seconds from the begin of one transaction to the begin of the next.

    `tick`: the worker's own setting.  `pending`: records that are here already.  `is_due`: a timer
    has come, on which a sender's pace depends, or a record that may be a STOP."""
    short = tick if batching.tick is None else batching.tick
    gathers = rate_is_high and pending < ENOUGH and not is_due
    return max(short, batching.busy_tick) if gathers else short
