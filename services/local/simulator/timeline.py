"""When a text changes its status, and when the receipts for it go out: pure, so that a run repeats exactly."""

from __future__ import annotations

from typing import NamedTuple

from services.local.simulator.chance import Chance
from services.local.simulator.fate import End, Fate, Receipts
from services.local.simulator.script import Script

AGAIN_AFTER = 0.01
"""Seconds between a receipt and its duplicate."""


class Change(NamedTuple):
    """`at`: seconds after the text was taken."""

    at: float
    status: str
    error: int | None = None


def changes(
    fate: Fate, leaves_in: float, queues_first: bool, script: Script, draw: tuple[Chance, str, int]
) -> list[Change]:
    """`leaves_in`: seconds until the sender's queue lets it go.  `queues_first`: a messaging service answers
    `accepted` and reports `queued`; Twilio never reports the first status."""
    chance, number, ordinal = draw
    sent = leaves_in + chance.between(script.sent_after, "sent", number, ordinal)
    ended = sent + chance.between(script.delivered_after, "ended", number, ordinal)
    first = [Change(min(0.01, sent / 2), "queued")] if queues_first else []
    if fate.end is End.FAILED:
        return [*first, Change(sent, "failed", fate.error)]
    first.append(Change(sent, "sent"))
    return first if fate.end is End.SENT else [*first, Change(ended, fate.end.value, fate.error)]


def receipts(fate: Fate, happened: list[Change]) -> list[Change]:
    """What the webhook hears of it, and when."""
    heard, how = list(happened), fate.receipts
    if Receipts.LOST in how:
        return []
    if Receipts.FINAL_LOST in how:
        heard.pop()
    if Receipts.LATE in how and heard:
        heard[-1] = heard[-1]._replace(at=heard[-1].at + fate.late)
    if Receipts.REORDERED in how:
        times = [change.at for change in heard]
        heard = [change._replace(at=at) for change, at in zip(reversed(heard), times, strict=True)]
    if Receipts.DUPLICATED in how:
        heard = [
            copy
            for change in heard
            for copy in (change, change._replace(at=change.at + AGAIN_AFTER))
        ]
    return heard
