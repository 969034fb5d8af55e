"""Was a sender's pace kept?  Measured where the calls arrive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Arrival(NamedTuple):
    """`t` in seconds."""

    t: float
    segments: int


def largest_window_ratio(arrivals: Sequence[Arrival], rate: float, shortest: float = 0.0) -> float:
    """The largest of: segments that arrived in a window / (rate x window + the last message in it); over all windows of
    at least `shortest` seconds.  At most 1 if the pace was kept; 0 without arrivals.

    The network shifts arrivals by milliseconds; in a window not much longer than that, this is what is measured.  So
    give `shortest` where calls come over a network.

    A largest quotient, by Dinkelbach's method: for a trial ratio r, the window with the most of segments - r x allowed
    takes one pass; its own ratio is the next trial, until nothing is above 0.
    """
    ordered = sorted(arrivals)
    ratio = 0.0
    while (found := _worst(ordered, rate, shortest, ratio)) is not None:
        segments, allowed = found
        if segments / allowed <= ratio:
            break
        ratio = segments / allowed
    return ratio


def _worst(
    ordered: Sequence[Arrival], rate: float, shortest: float, ratio: float
) -> tuple[float, float] | None:
    """(segments, allowed) of the window with the most of segments - ratio x allowed; None if none is above 0.

    Windows end with an arrival.  Of those that begin `shortest` or more before it the best is carried along; of the
    others, which all are allowed the same, it is the one that begins first."""
    before = [0.0]
    for arrival in ordered:
        before.append(before[-1] + arrival.segments)
    best, worst = 0.0, None
    first, farther = 0, None
    for last, arrival in enumerate(ordered):
        while first < last and arrival.t - ordered[first].t >= shortest:
            gain = ratio * rate * ordered[first].t - before[first]
            if farther is None or gain > farther[0]:
                farther = (gain, first)
            first += 1
        for begin in {first} if farther is None else {first, farther[1]}:
            segments = before[last + 1] - before[begin]
            allowed = rate * max(shortest, arrival.t - ordered[begin].t) + arrival.segments
            if segments - ratio * allowed > best:
                best, worst = segments - ratio * allowed, (segments, allowed)
    return worst
