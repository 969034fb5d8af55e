"""The gate's fold: each type of fact has its answer, each kind of row its wake."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.approval import Approval
from schemas.base import Evidence
from schemas.consent_event import ConsentEvent
from schemas.number_fact import NumberFact
from schemas.reply import Reply
from schemas.request_cancel import CancelRequest
from schemas.returned import Returned
from schemas.send_request import SendRequest
from schemas.topics import REQUEST_CANCELS
from streams.dead_letters import build_dead_letter
from streams.gate.approval import on_approval
from streams.gate.cancel import on_cancel
from streams.gate.consented import on_consent_event, on_reply, on_unreadable
from streams.gate.learned import learned
from streams.gate.limits import WORDS_AT_MOST
from streams.gate.release import judged_anew, judged_when_due
from streams.gate.requested import on_request, on_returned
from streams.gate.state import NUMBER, NumberRow
from streams.gate.status import tell_held, with_status
from streams.gate.unasked import with_unasked
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    OnTimer,
    Process,
    Settings,
    StateStore,
    StepResult,
    UnreadableRecord,
)


def gate(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    step = _ANSWERS[type(record.value)](state, record, now, settings)
    return with_status(state, with_unasked(state, step, settings), now)


def gate_woke(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    return _WAKES[name.partition("/")[0]](state, name, now, settings)


def _held_when_due(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    return with_status(state, judged_when_due(state, name, now, settings), now)


def _on_number_fact(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Only what is given is changed.  What waits is judged by it when it is released, and at once if it tells where the
    recipient is: their hour may have come."""
    if (
        sum(
            len(getattr(record.value, field) or "")
            for field in ("type", "time_zone", "postal_region")
        )
        > WORDS_AT_MOST
    ):
        return StepResult(
            publish=(
                build_dead_letter(
                    "gate", record, now, "too_large", "a field holds a file, not a word"
                ),
            )
        )
    before = state.get(NUMBER, NumberRow) or NumberRow()
    after = before.model_copy(update=learned(before, record.value))
    if (after.time_zone, after.postal_region) == (before.time_zone, before.postal_region):
        return StepResult({NUMBER: after})
    place = Evidence(topic=record.topic, partition=record.partition, offset=record.offset)
    return judged_anew(state, after, place, now, settings)


def _on_unreadable(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """What could not be read may have been a STOP, unless it came where requests are canceled."""
    return (
        NO_CHANGE
        if record.topic == REQUEST_CANCELS.name
        else on_unreadable(state, record, now, settings)
    )


def _forget(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    return StepResult({name: None})


_ANSWERS: Final[dict[type[Any], Process]] = {
    SendRequest: on_request,
    ConsentEvent: on_consent_event,
    Reply: on_reply,
    Returned: on_returned,
    NumberFact: _on_number_fact,
    CancelRequest: on_cancel,
    Approval: on_approval,
    UnreadableRecord: _on_unreadable,
}
_WAKES: Final[dict[str, OnTimer]] = {
    NUMBER: tell_held,
    "held": _held_when_due,
    "msg": _forget,
    "ev": _forget,
    "in": _forget,
    "ap": _forget,
}
