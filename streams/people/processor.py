"""Keep each person's record, and send what was requested for them to the right number.

Theory of operation
-------------------
The entity key is one person.  A person-request names a person, not a number.  We pick the number
and issue a send request to the gate; without a number the request waits here (`Stage.HELD`).

A request is advanced whenever anything happens: the person changes, the gate answers, or a timer
fires (`streams.people.requests.advance`).  Advancing again must change nothing when nothing has
changed.

When the person's number changes after the text was issued, the text has to move.  It must not go to
both numbers.  So we first cancel it, and issue it again, under a new id, only when the cancel is
confirmed: by the gate, or by outcomes if dispatch had the order already.

A case or a member of staff may take a request back for good (`streams.people.cancels`).  Cases hear
of their parties (`streams.people.case_links`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.case import CaseLink
from schemas.person import PersonAnswer, PersonCancel, PersonEvent, PersonRequest
from streams.people.cancels import on_cancel
from streams.people.case_links import on_case_timer, on_link
from streams.people.person_events import forget_person, on_event
from streams.people.requests import (
    advance,
    finish,
    forget_at,
    load_context,
    on_answer,
    on_request,
)
from streams.people.state import RequestEntry, Stage
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
    return _HANDLERS[type(record.value)](state, record, now, settings)


def people_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    return _TIMERS[name.partition("/")[0]](state, name, now, settings)


def _on_request_timer(
    state: StateStore, name: str, now: datetime, settings: Settings
) -> StepResult:
    """Expire a held request, advance one that was put off, or forget one that nobody can say
    anything of any more."""
    entry = state.get(name, RequestEntry)
    if entry is None:
        return NO_CHANGE
    step = advance(entry, load_context(state, now, settings))
    if entry.stage is Stage.HELD or name in step.state:
        return step
    at = forget_at(entry, entry.since)
    return finish(entry, now) if now >= at else StepResult(timers={name: at})


def _forget(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """An event, a finished request, or a cancel whose request has not come."""
    return StepResult({name: None})


def _on_unreadable(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """The runtime writes the dead letter; nothing here can make up for it."""
    return NO_CHANGE


_HANDLERS: Final[dict[type[Any], Process]] = {
    PersonEvent: on_event,
    PersonRequest: on_request,
    PersonAnswer: on_answer,
    PersonCancel: on_cancel,
    CaseLink: on_link,
    UnreadableRecord: _on_unreadable,
}
_TIMERS: Final[dict[str, OnTimer]] = {
    "req": _on_request_timer,
    "person": forget_person,
    "case": on_case_timer,
    "cancel": _forget,
    "done": _forget,
    "ev": _forget,
}
