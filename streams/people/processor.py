"""The people room's fold: each type of fact has its answer, each kind of row its wake."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.person_answer import PersonAnswer
from schemas.person_event import PersonEvent
from schemas.person_request import PersonRequest
from streams.people.events import on_event
from streams.people.requested import look, on_answer, on_request
from streams.people.settle import forget_at, over, settled
from streams.people.state import RequestRow, Stage
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


def people(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    return _ANSWERS[type(record.value)](state, record, now, settings)


def people_woke(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    return _WAKES[name.partition("/")[0]](state, name, now, settings)


def _request_due(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """One that is held expires; one that many others kept from being looked at is looked at now; one of which nothing
    was heard for so long that nothing can come any more is forgotten."""
    row = state.get(name, RequestRow)
    if row is None:
        return NO_CHANGE
    step = settled(row, look(state, now, settings))
    if row.stage is Stage.HELD or name in step.state:
        return step
    at = forget_at(row, row.since)
    return over(row, now) if now >= at else StepResult(timers={name: at})


def _forget(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """A person who was deleted long ago, an event or a request that was dealt with."""
    return StepResult({name: None})


def _on_unreadable(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """It is set aside by the kit; nothing here can make up for it."""
    return NO_CHANGE


_ANSWERS: Final[dict[type[Any], Process]] = {
    PersonEvent: on_event,
    PersonRequest: on_request,
    PersonAnswer: on_answer,
    UnreadableRecord: _on_unreadable,
}
_WAKES: Final[dict[str, OnTimer]] = {
    "req": _request_due,
    "person": _forget,
    "done": _forget,
    "ev": _forget,
}
