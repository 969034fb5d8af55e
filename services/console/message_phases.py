"""Where a message's time went: what it waited for, one stretch after the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from services.ledger.explain import Event
from services.ledger.times import parse_time
from streams.reasons import format_duration
from streams.rule_names import HoldCause, first_cause


class Phase(NamedTuple):
    """A stretch of time in which one thing was waited for."""

    words: str
    kind: str
    """wait: somebody or something has to happen; work: it is on its way; doubt: nobody knows."""
    begin: datetime
    end: datetime
    is_open: bool
    """It lasts until now."""
    left: float = 0.0
    """Where its bar begins, in thousandths of the picture's width."""
    width: float = 0.0

    @property
    def lasted(self) -> str:
        seconds = (self.end - self.begin).total_seconds()
        if seconds < 1:
            return f"{seconds * 1000:.0f} ms"
        if seconds < 10:
            return f"{seconds:.1f} s"
        if seconds < 100:
            return f"{seconds:.0f} s"
        if seconds < 48 * 3600:
            return format_duration(self.end - self.begin)
        return f"{seconds / 86400:.0f} days"


WAITS: Final[Mapping[HoldCause, str]] = {
    HoldCause.CONSENT: "Waited for their yes",
    HoldCause.NUMBER: "Waited for a number",
    HoldCause.APPROVAL: "Waited for approval",
    HoldCause.HOURS: "Waited for the hours in which it may go",
    HoldCause.CAP: "Waited: they had enough texts",
    HoldCause.SCHEDULED: "Waited for its time",
    HoldCause.CLOCK: "Waited for the clocks",
    HoldCause.PACE: "Waited for room at the sender",
}
_WITH_PROVIDER: Final = ("With the provider", "work")
_WITH_CARRIER: Final = ("With the carrier", "work")
_AFTER: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("request", ""): ("Was looked at", "work"),
    ("person request", ""): ("Was looked at", "work"),
    ("decision", "send"): ("In line at the sender", "wait"),
    ("attempt", "sending"): ("Handed to the provider", "work"),
    ("attempt", "deferred"): ("Waited to be tried again", "wait"),
    ("attempt", "in_doubt"): ("In doubt", "doubt"),
    ("attempt", "accepted"): _WITH_PROVIDER,
    ("receipt", "sent"): _WITH_CARRIER,
    ("attempt", "expired"): ("Was looked at again", "work"),
}
_ENDS: Final = frozenset({"delivered", "undelivered", "failed", "canceled", "refused", "given_up"})
_ENDING_VERDICTS: Final = frozenset({"reject", "expire", "cancel"})


def find_phases(events: Iterable[Event], now: datetime, is_over: bool) -> tuple[Phase, ...]:
    """By the records of a message, oldest first. `is_over`: nothing is expected to follow."""
    found: list[Phase] = []
    current: tuple[str, str, datetime] | None = None

    def close(at: datetime, is_open: bool = False) -> None:
        if current is not None and (at > current[2] or is_open):
            words, kind, begin = current
            if found and found[-1].words == words:
                found[-1] = found[-1]._replace(end=at, is_open=is_open)
            else:
                found.append(Phase(words, kind, begin, at, is_open))

    for event in events:
        key = _next_phase(event)
        if key is None or (current and key == _WITH_PROVIDER and current[:2] == _WITH_CARRIER):
            continue  # the carrier's word has overtaken the provider's
        close(parse_time(event.at))
        current = (*key, parse_time(event.at)) if key[0] else None
    if current is not None and not is_over:
        close(max(now, current[2]), is_open=True)
    return _place(found)


def _next_phase(event: Event) -> tuple[str, str] | None:
    """What begins with this record: its words and kind; two empty words if all ends."""
    data = event.data
    match event.what:
        case "decision" if data["verdict"] == "hold":
            rules = [one["rule"] for one in data.get("findings", ()) if one["verdict"] == "hold"]
            return WAITS[first_cause(rules)], "wait"
        case "decision" if data["verdict"] in _ENDING_VERDICTS:
            return "", ""
        case "attempt" | "receipt" if data.get("state", data.get("status")) in _ENDS:
            return "", ""
    word = data.get("verdict") or data.get("state") or data.get("status") or ""
    return _AFTER.get((event.what, "" if "request" in event.what else word))


LEAST: Final = 12.0
"""Thousandths of the width: a bar of a millisecond can still be seen."""


def _place(phases: list[Phase]) -> tuple[Phase, ...]:
    """Each bar begins where the one before ends. Their widths follow the logarithm of the time, or
    a night would hide everything else."""
    weights = [math.log1p((one.end - one.begin).total_seconds() * 4) + 0.15 for one in phases]
    scale = (1000 - LEAST * len(phases)) / (sum(weights) or 1)
    placed = []
    left = 0.0
    for phase, weight in zip(phases, weights, strict=True):
        width = LEAST + weight * scale
        placed.append(phase._replace(left=round(left, 1), width=round(width, 1)))
        left += width
    return tuple(placed)
