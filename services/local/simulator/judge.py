"""The journal's verdict: which texts were taken, which twice, and what the caller was told of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from services.local.simulator.journal import RUN, entries

Identity = tuple[str, str]


class Asked(NamedTuple):
    """A create call whose text was read.  `run`: the how-manieth of the simulator; `t`: when it arrived, in simulated
    seconds of that run.  `identity`: (tenant, message id), from the callback's address; None without.  `told`: whether
    the caller got to know that it was taken."""

    run: int
    t: float
    at: datetime
    outcome: str
    number: str
    sender: str
    segments: int
    identity: Identity | None
    attempt: int
    sid: str | None
    fault: str | None
    told: bool

    @property
    def taken(self) -> bool:
        return self.outcome == "taken"


def asked(journal: Path) -> list[Asked]:
    """In the order of arrival."""
    run, found, told = 0, [], set()
    for entry in entries(journal):
        if entry["event"] == RUN:
            run += 1
        elif entry["event"] == "answer" and entry["outcome"] == "told":
            told.add(entry["sid"])
        elif entry["event"] == "create" and entry["outcome"] != "unread":
            found.append((run, entry))
    return [_asked(run, entry, told) for run, entry in found]


def _asked(run: int, entry: dict[str, Any], told: set[str]) -> Asked:
    ours, sid = entry["callback"], entry.get("sid")
    named = "tenant" in ours and "message_id" in ours
    return Asked(
        run=run,
        t=entry["t"],
        at=datetime.fromisoformat(entry["at"]),
        outcome=entry["outcome"],
        number=entry["number"],
        sender=entry["sender"],
        segments=entry["segments"],
        identity=(ours["tenant"], ours["message_id"]) if named else None,
        attempt=int(ours.get("attempt", 0)),
        sid=sid,
        fault=entry.get("fault"),
        told=sid in told,
    )


def taken(calls: Iterable[Asked]) -> dict[Identity, list[Asked]]:
    """By message: how often it was taken."""
    found: defaultdict[Identity, list[Asked]] = defaultdict(list)
    for call in calls:
        if call.taken and call.identity is not None:
            found[call.identity].append(call)
    return dict(found)


def sent_twice(calls: Iterable[Asked]) -> dict[Identity, list[Asked]]:
    """One message, taken more than once: what must never be."""
    return {identity: times for identity, times in taken(calls).items() if len(times) > 1}
