"""What a window of samples says of one partition.  No threshold to set: a reader is judged by whether it moves.

The four words and the idea are Burrow's (github.com/linkedin/Burrow, "Consumer Lag Evaluation Rules")."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from services.observability.lag.sample import Group, Stand

ENOUGH = 3
"""Samples before standing still means anything."""
REBALANCING = ("PreparingRebalance", "CompletingRebalance")


class Verdict(StrEnum):
    OK = "OK"
    WARN = "WARN"
    """It moves, and falls behind."""
    STALLED = "STALLED"
    """Somebody owns it, there is something to read, and nothing moves."""
    STOPPED = "STOPPED"
    """Nobody reads it."""


class Finding(NamedTuple):
    verdict: Verdict
    cause: str = ""


def judge(window: Sequence[Stand], group: Group | None, owned: bool) -> Finding:
    """`window`: oldest first, at least one.  `owned`: a member of the group has this partition now."""
    last = window[-1]
    if (lost := _out_of_range(last)) is not None:
        return Finding(Verdict.STALLED if owned and not last.gone else Verdict.STOPPED, lost)
    if group is None or group.members == 0:
        return Finding(Verdict.STOPPED, "no worker of this room is running")
    if group.state in REBALANCING:
        return Finding(Verdict.WARN if last.lag else Verdict.OK, "partitions are being handed over")
    if not owned:
        return Finding(Verdict.STOPPED, "no worker owns this partition")
    if last.gone:  # the broker keeps a static member's place until its session runs out
        return Finding(
            Verdict.STOPPED, "its worker has ended as it was told, and none has taken its place yet"
        )
    return _moving(window)


def _out_of_range(last: Stand) -> str | None:
    if last.committed is None:
        return None
    if last.committed < last.start:
        gone = last.start - last.committed
        return f"retention or a deletion has taken up to {gone:,} records that were not read"
    if last.committed > last.end:
        return "the topic ends before what was read: it was made anew, or lost data"
    return None


def _moving(window: Sequence[Stand]) -> Finding:
    lags = [stand.lag for stand in window]
    if min(lags) == 0 or window[-1].oldest_ms is None:
        return Finding(Verdict.OK)
    if len({stand.committed for stand in window}) == 1:
        if len(window) < ENOUGH:
            return Finding(Verdict.OK, "too early to say")
        return Finding(
            Verdict.STALLED, "its worker does not move: see its log, its health, what it waits for"
        )
    if len(window) >= ENOUGH and all(later > earlier for earlier, later in pairwise(lags)):
        return Finding(
            Verdict.WARN,
            "more comes in than goes out: start another worker, or wait for the burst to end",
        )
    return Finding(Verdict.OK, "catching up")
