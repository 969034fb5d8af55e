"""An order that its sender could not send in time, for what stands before it: it waits until there is room.  Judged at
once it would only be ordered and handed back again.

Where room comes too late for it, it is tried again half-way to its end, and half-way again: the sender may have been
slow for a moment only, and what expires for that is lost.  So a text is ordered some ten times a day at most, and ends
when there is no time left for another try."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.caps import uncounted
from streams.gate.decide import Ruling
from streams.gate.follow import Pending
from streams.gate.judge import judge, ruled, would_be
from streams.gate.release import with_number
from streams.gate.rows import NUMBER, NumberRow
from streams.step import Rows, Settings, Step

LAST_TRY: Final = timedelta(minutes=2)
"""With less than this left, there is no other try."""


def waits_for_room(rows: Rows, pending: Pending, until: datetime, now: datetime, settings: Settings) -> Step:
    """As long as it may be sent at all: a STOP may have come meanwhile.  An answer of Sayso's own to what somebody
    wrote is of no use later."""
    number, request = rows.get(NUMBER, NumberRow) or NumberRow(), pending.request
    if would_be(pending, number, now, settings).verdict is not Verdict.SEND:
        after, step = judge(pending, number, now, settings)
        return with_number(number, after, step)
    then = None if pending.message.own else _again(until, request.valid_until, now)
    ruling = _ruling(Verdict.EXPIRE if then is None else Verdict.HOLD, then)
    after, step = ruled(pending, ruling, uncounted(number, request.kind, pending.message.issued_at), now, settings)
    return with_number(number, after, step)


def _again(room: datetime, valid_until: datetime | None, now: datetime) -> datetime | None:
    """When to order it again; None: there is no time left for it."""
    if valid_until is None or room < valid_until:
        return room
    left = valid_until - now
    return now + left / 2 if left > LAST_TRY else None


def _ruling(verdict: Verdict, until: datetime | None) -> Ruling:
    found = Finding(
        rule="sender_crowded",
        verdict=verdict,
        reason="Too many texts stand before it at its sender",
        next_step="use a faster sender, or ask earlier" if until is None else "wait: it goes by itself",
        until=until,
    )
    return Ruling(verdict, (found,), until)
