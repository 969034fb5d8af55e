"""An order that its sender could not send in time, for what stands before it: it waits until there is room, or ends now
if that is too late.  Judged at once it would only be ordered and handed back again."""

from __future__ import annotations

from datetime import datetime

from schemas.decision import Finding, Verdict
from streams.gate.caps import uncounted
from streams.gate.decide import Ruling
from streams.gate.follow import Pending
from streams.gate.judge import judge, ruled, would_be
from streams.gate.release import with_number
from streams.gate.rows import NUMBER, NumberRow
from streams.step import Rows, Settings, Step


def waits_for_room(rows: Rows, pending: Pending, until: datetime, now: datetime, settings: Settings) -> Step:
    """As long as it may be sent at all: a STOP may have come meanwhile.  An answer of Sayso's own to what somebody
    wrote is of no use later."""
    number, request = rows.get(NUMBER, NumberRow) or NumberRow(), pending.request
    if would_be(pending, number, now, settings).verdict is not Verdict.SEND:
        after, step = judge(pending, number, now, settings)
        return with_number(number, after, step)
    late = pending.message.own or (request.valid_until is not None and request.valid_until <= until)
    ruling = _ruling(Verdict.EXPIRE, None) if late else _ruling(Verdict.HOLD, until)
    after, step = ruled(pending, ruling, uncounted(number, request.kind, pending.message.issued_at), now, settings)
    return with_number(number, after, step)


def _ruling(verdict: Verdict, until: datetime | None) -> Ruling:
    found = Finding(
        rule="sender_crowded",
        verdict=verdict,
        reason="Too many texts stand before it at its sender",
        next_step="use a faster sender, or ask earlier" if until is None else "wait: it goes by itself",
        until=until,
    )
    return Ruling(verdict, (found,), until)
