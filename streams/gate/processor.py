"""The gate: each type of record has a handler, and so has the timer of each kind of state entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from schemas.approval import Approval
from schemas.consent import ConsentEvent
from schemas.inbound import Reply
from schemas.number_move import NumberMove
from schemas.person import NumberFact
from schemas.send import Returned
from schemas.send_request import CancelRequest, SendRequest
from streams.gate.approvals import on_approval
from streams.gate.consent import on_consent_event, on_number_timer, on_reply, on_unreadable
from streams.gate.consent_status import finish
from streams.gate.evaluation import reevaluate_one
from streams.gate.number_facts import on_number_fact
from streams.gate.number_moves import (
    ask_others,
    keep_waiting,
    must_wait,
    on_acquired,
    on_move,
    read_waiting,
)
from streams.gate.requests import on_cancel, on_request
from streams.gate.returns import on_returned
from streams.gate.state import NUMBER, StepBuilder
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    PartitionAcquired,
    Settings,
    StateStore,
    StepResult,
    UnreadableRecord,
)


def gate(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    step = StepBuilder(state, now, settings)
    handle = _HANDLERS[type(record.value)]
    if handle in _MOVES:
        handle(step, record)
        return finish(step) if step.is_identity else step.build()
    if step.has_unjoined:
        ask_others(step)
        if must_wait(record):
            keep_waiting(step, record)
            return finish(step)
    handle(step, record)
    return finish(step)


def gate_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    kind = name.partition("/")[0]
    if kind in _FORGOTTEN:
        return StepResult({name: None})
    if name == NUMBER and name not in state.raw:
        return NO_CHANGE
    step = StepBuilder(state, now, settings)
    if step.has_unjoined:
        ask_others(step)
    _TIMERS[kind](step, name)
    return finish(step)


def _take_up(step: StepBuilder, name: str) -> None:
    """A record that has waited for other writings of the number."""
    record = read_waiting(step, name)
    if record is not None:
        _HANDLERS[type(record.value)](step, record)


_MOVES: Final = frozenset({on_acquired, on_move})
_HANDLERS: Final[dict[type[Any], Callable[[StepBuilder, InputRecord], None]]] = {
    SendRequest: on_request,
    ConsentEvent: on_consent_event,
    Reply: on_reply,
    Returned: on_returned,
    NumberFact: on_number_fact,
    CancelRequest: on_cancel,
    Approval: on_approval,
    UnreadableRecord: on_unreadable,
    NumberMove: on_move,
    PartitionAcquired: on_acquired,
}
_TIMERS: Final[dict[str, Callable[[StepBuilder, str], None]]] = {
    NUMBER: on_number_timer,
    "held": reevaluate_one,
    "wait": _take_up,
}
_FORGOTTEN: Final = frozenset({"msg", "ev", "in", "ap"})
"""Entries that their timer deletes."""
