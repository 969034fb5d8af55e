"""A request is taken back: by people, whose person has another number now, or by staff."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.base import Evidence
from schemas.controls import Cancel
from schemas.decision import Finding, Verdict
from schemas.request_cancel import PEOPLE, CancelRequest
from schemas.topics import DISPATCH_CONTROLS
from streams.dedup import REMEMBER
from streams.gate.answer import answered
from streams.gate.caps import uncounted
from streams.gate.decide import Ruling
from streams.gate.follow import Pending
from streams.gate.judge import ruled
from streams.gate.release import with_number
from streams.gate.state import (
    NUMBER,
    Canceled,
    HeldRow,
    MessageRow,
    NumberRow,
    held_row,
    message_row,
)
from streams.processing import NO_CHANGE, InputRecord, Publication, Settings, StateStore, StepResult

WORDS_AT_MOST: Final = 200
"""Characters of who and why that are kept."""

_NOWHERE: Final = Evidence()


def on_cancel(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """What waits is canceled.  What has been ordered is taken back at dispatch, whose attempt tells; if it comes back
    instead, it is canceled here.  What is decided otherwise stays.  One that comes first waits for its request.

    People, who would ask again, hears of one that has been ordered only once nobody was called for it (see outcomes);
    at once, where somebody else does not want it any more."""
    asked: CancelRequest = record.value
    canceled = Canceled(by=asked.by[:WORDS_AT_MOST], reason=asked.reason[:WORDS_AT_MOST], at=now)
    name = message_row(asked.message_id)
    message = state.get(name, MessageRow)
    if message is None:
        ahead = MessageRow(fingerprint="", verdict=Verdict.CANCEL, received=now, canceled=canceled)
        return StepResult({name: ahead}, timers={name: now + REMEMBER})
    if message.canceled is not None and not _is_overruled(message.canceled, canceled):
        return NO_CHANGE
    held = state.get(held_row(asked.message_id), HeldRow)
    message = message.model_copy(update={"canceled": canceled})
    if held is not None:
        return taken_back(state, Pending(held.request, message, held.place, held), now, settings)
    if not message.fingerprint:
        return StepResult({name: message})
    if message.request is None:
        return NO_CHANGE
    back = Cancel(
        sender=message.sender,
        tenant=asked.tenant,
        message_id=asked.message_id,
        reason=canceled.reason,
        at=now,
    )
    told = (
        ()
        if canceled.by == PEOPLE
        else answered(Pending(message.request, message, _NOWHERE), Verdict.CANCEL, now)
    )
    return StepResult({name: message}, (Publication(DISPATCH_CONTROLS, back), *told))


def _is_overruled(before: Canceled, after: Canceled) -> bool:
    """People, who want it sent to another number, have taken it back; now somebody does not want it at all."""
    return before.by == PEOPLE and after.by != PEOPLE


def taken_back(
    state: StateStore, pending: Pending, now: datetime, settings: Settings
) -> StepResult:
    """The decision, for a request that its cancel has met."""
    canceled = pending.message.canceled
    assert canceled is not None
    who = f" by {canceled.by}" if canceled.by else ""
    finding = Finding(
        rule="canceled",
        verdict=Verdict.CANCEL,
        reason=f"It was taken back{who}",
        next_step=canceled.reason or "ask again if it is still wanted",
    )
    before = state.get(NUMBER, NumberRow) or NumberRow()
    uncalled = uncounted(before, pending.request.kind, pending.message.issued_at)
    after, step = ruled(pending, Ruling(Verdict.CANCEL, (finding,)), uncalled, now, settings)
    return with_number(before, after, step)
