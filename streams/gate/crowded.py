"""An order that its sender could not send in time, for what stands before it or because its time is over by the clock
there: it waits until that has changed.  Judged at once it would only be ordered and handed back again.

Where that comes too late for it, it is tried again half-way to its end, and half-way again: the sender may have been
slow for a moment only, and what expires for that is lost.  So a text is ordered some ten times a day at most, and ends
when there is no time left for another try."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.decision import Verdict
from streams.gate.caps import uncounted
from streams.gate.decide import Ruling
from streams.gate.follow import Pending
from streams.gate.judge import judge, ruled, would_be
from streams.gate.release import with_number
from streams.gate.state import NUMBER, NumberRow
from streams.gate.waits import OVER_THERE, TOO_LATE, Wait
from streams.processing import Settings, StateStore, StepResult
from streams.reasons import Reason

LAST_TRY: Final = timedelta(minutes=2)
"""With less than this left, there is no other try."""


def waits_for_room(
    state: StateStore, pending: Pending, wait: Wait, now: datetime, settings: Settings
) -> StepResult:
    """As long as it may be sent at all: a STOP may have come meanwhile.  An answer of Sayso's own to what somebody
    wrote is of no use later."""
    number, request = state.get(NUMBER, NumberRow) or NumberRow(), pending.request
    if would_be(pending, number, now, settings).verdict is not Verdict.SEND:
        after, step = judge(pending, number, now, settings)
        return with_number(number, after, step)
    ruling = _ruling(
        wait.why, None if pending.message.own else _again(wait, request.valid_until, now)
    )
    after, step = ruled(
        pending, ruling, uncounted(number, request.kind, pending.message.issued_at), now, settings
    )
    return with_number(number, after, step)


def _again(wait: Wait, valid_until: datetime | None, now: datetime) -> datetime | None:
    """When to order it again; None: there is no time left for it.  What is over by another clock is over when it is by
    this one."""
    if valid_until is None or wait.until < valid_until:
        return wait.until
    left = valid_until - now
    if left > LAST_TRY:
        return now + left / 2
    return wait.until if wait.why is OVER_THERE else None


def _ruling(why: Reason, until: datetime | None) -> Ruling:
    if until is None:
        return Ruling(Verdict.EXPIRE, (why.but(TOO_LATE[why.rule]).finding(Verdict.EXPIRE),))
    return Ruling(
        Verdict.HOLD, (why.finding(Verdict.HOLD).model_copy(update={"until": until}),), until
    )
