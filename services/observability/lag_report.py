"""How far each consumer group is behind, and why, from samples of the broker's offsets. Pure.

There are no thresholds to set: a partition is judged by whether its reader moves. The verdicts and
the idea are Burrow's (github.com/linkedin/Burrow, "Consumer Lag Evaluation Rules").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

ENOUGH: Final = 3
"""Samples before it means anything that a reader does not move."""
REBALANCING: Final = ("PreparingRebalance", "CompletingRebalance")


# What the broker said at one moment.


class GroupPartition(NamedTuple):
    group: str
    topic: str
    partition: int


class PartitionSample(NamedTuple):
    committed: int | None
    """None: the group has never committed an offset here."""
    start: int
    end: int
    """What a reader of committed records can reach."""
    oldest_ms: int | None = None
    """The time of the first unread record, milliseconds since 1970, UTC."""
    gone: bool = False
    """With its last commit the worker said that it shuts down."""
    problem: str = ""
    """What is wrong with the partition that its offsets do not show."""

    @property
    def position(self) -> int:
        return max(self.start, self.committed if self.committed is not None else self.start)

    @property
    def lag(self) -> int:
        """Records, at most: transaction markers and compacted records take offsets too."""
        return max(0, self.end - self.position)


class GroupState(NamedTuple):
    state: str
    """Kafka's word: Stable, Empty, Dead, PreparingRebalance, CompletingRebalance."""
    members: int
    owned: frozenset[tuple[str, int]]
    """(topic, partition) of its members."""


class Sample(NamedTuple):
    at: float
    """Seconds since 1970, UTC."""
    partitions: Mapping[GroupPartition, PartitionSample]
    groups: Mapping[str, GroupState]


# What a window of samples says of one partition.


class Verdict(StrEnum):
    OK = "OK"
    WARN = "WARN"
    """It moves, and falls behind."""
    STALLED = "STALLED"
    """A worker owns it, there is something to read, and nothing moves."""
    STOPPED = "STOPPED"
    """No worker reads it."""


_SEVERITY: Final = {Verdict.STOPPED: 0, Verdict.STALLED: 1, Verdict.WARN: 2, Verdict.OK: 3}


class Diagnosis(NamedTuple):
    verdict: Verdict
    cause: str = ""


def diagnose(window: Sequence[PartitionSample], group: GroupState | None, owned: bool) -> Diagnosis:
    """`window`: oldest first, at least one. `owned`: a member of the group has this partition
    now."""
    last = window[-1]
    if (cause := last.problem or _out_of_range(last)) is not None:
        is_read = owned and not last.gone
        return Diagnosis(Verdict.STALLED if is_read else Verdict.STOPPED, cause)
    if group is None or group.members == 0:
        return Diagnosis(Verdict.STOPPED, "no worker of this processor is running")
    if group.state in REBALANCING:
        verdict = Verdict.WARN if last.lag else Verdict.OK
        return Diagnosis(verdict, "partitions are being handed over")
    if not owned:
        return Diagnosis(Verdict.STOPPED, "no worker owns this partition")
    if last.gone:  # the broker keeps a static member's partitions until its session times out
        return Diagnosis(
            Verdict.STOPPED, "its worker has shut down, and none has taken its place yet"
        )
    return _diagnose_movement(window)


def _out_of_range(last: PartitionSample) -> str | None:
    if last.committed is None:
        return None
    if last.committed < last.start:
        gone = last.start - last.committed
        return f"retention or a deletion has taken up to {gone:,} records that were not read"
    if last.committed > last.end:
        return "the topic ends before what was read: it was recreated, or lost data"
    return None


def _diagnose_movement(window: Sequence[PartitionSample]) -> Diagnosis:
    lags = [sample.lag for sample in window]
    if min(lags) == 0 or window[-1].oldest_ms is None:
        return Diagnosis(Verdict.OK)
    if len({sample.committed for sample in window}) == 1:
        if len(window) < ENOUGH:
            return Diagnosis(Verdict.OK, "too early to say")
        return Diagnosis(
            Verdict.STALLED, "its worker does not move: see its log, its health, what it waits for"
        )
    if len(window) >= ENOUGH and all(later > earlier for earlier, later in pairwise(lags)):
        return Diagnosis(
            Verdict.WARN,
            "more comes in than goes out: start another worker, or wait for the burst to end",
        )
    return Diagnosis(Verdict.OK, "catching up")


# The report: one line for each partition, worst first.


class LagLine(NamedTuple):
    group: str
    topic: str
    partition: int
    committed: int | None
    start: int
    end: int
    lag: int
    """Records."""
    seconds: float
    """Since the first unread record was written."""
    incoming: float
    """Records per second over the window, as `outgoing` is."""
    outgoing: float
    drain: float | None
    """Seconds until it has caught up. None: never, at these rates."""
    verdict: Verdict
    cause: str


class LagReport(NamedTuple):
    at: float
    span: float
    """Seconds between the first and the last sample."""
    lines: tuple[LagLine, ...]
    states: dict[str, str]
    """Each group's state, in Kafka's words."""

    @property
    def worst(self) -> Verdict:
        verdicts = (line.verdict for line in self.lines)
        return min(verdicts, key=_SEVERITY.__getitem__, default=Verdict.OK)


def build_report(window: Sequence[Sample]) -> LagReport:
    """`window`: oldest first, at least one."""
    last = window[-1]
    lines = sorted((_line(one, window) for one in last.partitions), key=_by_severity)
    lines.sort(key=lambda line: not _problem_of(line, last))
    states = {name: group.state for name, group in last.groups.items()}
    return LagReport(last.at, last.at - window[0].at, tuple(lines), states)


def _problem_of(line: LagLine, last: Sample) -> str:
    """Such partitions come first: nobody else's restart mends them."""
    return last.partitions[GroupPartition(line.group, line.topic, line.partition)].problem


def _by_severity(line: LagLine) -> tuple[int, int, str, str, int]:
    return _SEVERITY[line.verdict], -line.lag, line.group, line.topic, line.partition


def _line(of: GroupPartition, window: Sequence[Sample]) -> LagLine:
    samples = [sample.partitions[of] for sample in window if of in sample.partitions]
    last = samples[-1]
    span = window[-1].at - window[-len(samples)].at
    group = window[-1].groups.get(of.group)
    owned = group is not None and (of.topic, of.partition) in group.owned
    found = diagnose(samples, group, owned)
    incoming, outgoing = _rates(samples, span)
    seconds = 0.0
    if last.lag and last.oldest_ms is not None:
        seconds = max(0.0, window[-1].at - last.oldest_ms / 1000)
    # Without a first record there are only transaction markers to read: no lag, unless something is
    # wrong.
    lag = last.lag if last.oldest_ms is not None or found.verdict is not Verdict.OK else 0
    return LagLine(
        *of,
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


def _rates(samples: Sequence[PartitionSample], span: float) -> tuple[float, float]:
    if span <= 0:
        return 0.0, 0.0
    first = samples[0]
    last = samples[-1]
    done = (last.committed or last.start) - (first.committed or first.start)
    return max(0.0, (last.end - first.end) / span), max(0.0, done / span)


def _drain(lag: int, incoming: float, outgoing: float, found: Diagnosis) -> float | None:
    if lag == 0:
        return 0.0
    faster = outgoing - incoming
    return lag / faster if faster > 0 and found.verdict in (Verdict.OK, Verdict.WARN) else None
