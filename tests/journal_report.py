"""What the simulator's journal proves: which texts were accepted, which twice, and at what rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from services.local.simulator.journal import RUN, read_entries

Identity = tuple[str, str]
"""Tenant and message id."""


class CreateCall(NamedTuple):
    """A create call whose body was read."""

    run: int
    """Counts the starts of the simulator, from 1."""
    t: float
    """When it arrived, in simulated seconds of that run."""
    at: datetime
    outcome: str
    number: str
    sender: str
    segments: int
    identity: Identity | None
    """From the callback URL; None without one."""
    attempt: int
    sid: str | None
    fault: str | None
    told: bool
    """Whether the caller got to know that the text was accepted."""

    @property
    def taken(self) -> bool:
        return self.outcome == "taken"


def read_calls(journal: Path) -> list[CreateCall]:
    """In the order of arrival."""
    run = 0
    found: list[tuple[int, dict[str, Any]]] = []
    told: set[str] = set()
    for entry in read_entries(journal):
        if entry["event"] == RUN:
            run += 1
        elif entry["event"] == "answer" and entry["outcome"] == "told":
            told.add(entry["sid"])
        elif entry["event"] == "create" and entry["outcome"] != "unread":
            found.append((run, entry))
    return [_parse_call(run, entry, told) for run, entry in found]


def _parse_call(run: int, entry: dict[str, Any], told: set[str]) -> CreateCall:
    callback = entry["callback"]
    sid = entry.get("sid")
    is_named = "tenant" in callback and "message_id" in callback
    return CreateCall(
        run=run,
        t=entry["t"],
        at=datetime.fromisoformat(entry["at"]),
        outcome=entry["outcome"],
        number=entry["number"],
        sender=entry["sender"],
        segments=entry["segments"],
        identity=(callback["tenant"], callback["message_id"]) if is_named else None,
        attempt=int(callback.get("attempt", 0)),
        sid=sid,
        fault=entry.get("fault"),
        told=sid in told,
    )


def group_accepted(calls: Iterable[CreateCall]) -> dict[Identity, list[CreateCall]]:
    """By message: the calls that the provider accepted."""
    accepted: defaultdict[Identity, list[CreateCall]] = defaultdict(list)
    for call in calls:
        if call.taken and call.identity is not None:
            accepted[call.identity].append(call)
    return dict(accepted)


def find_sent_twice(calls: Iterable[CreateCall]) -> dict[Identity, list[CreateCall]]:
    """Messages that were accepted more than once: what must never be."""
    accepted = group_accepted(calls)
    return {identity: times for identity, times in accepted.items() if len(times) > 1}


class Arrival(NamedTuple):
    t: float
    """Seconds."""
    segments: int


def largest_window_ratio(arrivals: Sequence[Arrival], rate: float, shortest: float = 0.0) -> float:
    """The peak send rate as a share of the limit.

    It is the largest of: segments that arrived in a window / (rate x window + the last message in
    it), over all windows of at least `shortest` seconds. At most 1 if the rate was kept; 0 without
    arrivals.

    The network shifts arrivals by milliseconds, and a window not much longer than that would
    measure the network. So give `shortest` where calls come over a network.

    This is a largest quotient, found by Dinkelbach's method. For a trial ratio r, the window with
    the most of segments - r x allowed takes one pass; its own ratio is the next trial, until
    nothing is above 0.
    """
    ordered = sorted(arrivals)
    ratio = 0.0
    while (found := _find_worst(ordered, rate, shortest, ratio)) is not None:
        segments, allowed = found
        if segments / allowed <= ratio:
            break
        ratio = segments / allowed
    return ratio


def _find_worst(
    ordered: Sequence[Arrival], rate: float, shortest: float, ratio: float
) -> tuple[float, float] | None:
    """(segments, allowed) of the window with the most of segments - ratio x allowed.

    None if none is above 0. Windows end with an arrival. Of those that begin `shortest` or more
    before it, the best is carried along. The others are all allowed the same, so of them it is the
    one that begins first.
    """
    before = [0.0]
    for arrival in ordered:
        before.append(before[-1] + arrival.segments)
    best = 0.0
    worst = None
    first = 0
    farther = None
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
                best = segments - ratio * allowed
                worst = (segments, allowed)
    return worst
