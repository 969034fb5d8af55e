"""A window of samples as one line a partition, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.observability.lag.sample import Place, Sample, Stand
from services.observability.lag.verdict import Finding, Verdict, judge

_GRAVE = {Verdict.STOPPED: 0, Verdict.STALLED: 1, Verdict.WARN: 2, Verdict.OK: 3}


class Line(NamedTuple):
    """`lag` in records, `seconds` since the first record not done with was written, `incoming` and `outgoing` in
    records a second over the window, `drain` in seconds: None where it never ends as things are."""

    group: str
    topic: str
    partition: int
    committed: int | None
    start: int
    end: int
    lag: int
    seconds: float
    incoming: float
    outgoing: float
    drain: float | None
    verdict: Verdict
    cause: str


class Report(NamedTuple):
    at: float
    span: float
    """Seconds between the first and the last sample."""
    lines: tuple[Line, ...]
    states: dict[str, str]
    """A group's state, in Kafka's words."""

    @property
    def worst(self) -> Verdict:
        return min(
            (line.verdict for line in self.lines), key=_GRAVE.__getitem__, default=Verdict.OK
        )


def report(window: Sequence[Sample]) -> Report:
    """`window`: oldest first, at least one."""
    last = window[-1]
    lines = [_line(place, window) for place in last.stands]
    lines.sort(
        key=lambda line: (_GRAVE[line.verdict], -line.lag, line.group, line.topic, line.partition)
    )
    states = {name: group.state for name, group in last.groups.items()}
    return Report(last.at, last.at - window[0].at, tuple(lines), states)


def _line(place: Place, window: Sequence[Sample]) -> Line:
    stands = [sample.stands[place] for sample in window if place in sample.stands]
    last, span = stands[-1], window[-1].at - window[-len(stands)].at
    group = window[-1].groups.get(place.group)
    owned = group is not None and (place.topic, place.partition) in group.owned
    found = judge(stands, group, owned)
    incoming, outgoing = _rates(stands, span)
    seconds = (
        max(0.0, window[-1].at - last.oldest_ms / 1000)
        if last.lag and last.oldest_ms is not None
        else 0.0
    )
    lag = last.lag if last.oldest_ms is not None or found.verdict is not Verdict.OK else 0
    return Line(
        *place,
        last.committed,
        last.start,
        last.end,
        lag,
        seconds,
        incoming,
        outgoing,
        _drain(lag, incoming, outgoing, found),
        found.verdict,
        found.cause,
    )


def _rates(stands: Sequence[Stand], span: float) -> tuple[float, float]:
    if span <= 0:
        return 0.0, 0.0
    first, last = stands[0], stands[-1]
    done = (last.committed or last.start) - (first.committed or first.start)
    return max(0.0, (last.end - first.end) / span), max(0.0, done / span)


def _drain(lag: int, incoming: float, outgoing: float, found: Finding) -> float | None:
    if lag == 0:
        return 0.0
    faster = outgoing - incoming
    return lag / faster if faster > 0 and found.verdict in (Verdict.OK, Verdict.WARN) else None
