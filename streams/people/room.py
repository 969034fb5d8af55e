"""The people room's fold: each type of fact has its answer, each kind of row its wake."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.person_answer import PersonAnswer
from schemas.person_event import PersonEvent
from schemas.person_request import PersonRequest
from streams.people.events import on_event
from streams.people.requested import look, on_answer, on_request
from streams.people.rows import RequestRow, Stage
from streams.people.settle import forget_at, over, settled
from streams.step import NOTHING, Fact, Fold, Rows, Settings, Step, Unreadable, Woke


def people(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    return _ANSWERS[type(fact.value)](rows, fact, now, settings)


def people_woke(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    return _WAKES[name.partition("/")[0]](rows, name, now, settings)


def _request_due(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    """One that is held expires; one that many others kept from being looked at is looked at now; one of which nothing
    was heard for so long that nothing can come any more is forgotten."""
    row = rows.get(name, RequestRow)
    if row is None:
        return NOTHING
    step = settled(row, look(rows, now, settings))
    if row.stage is Stage.HELD or name in step.rows:
        return step
    at = forget_at(row, row.since)
    return over(row, now) if now >= at else Step(wake={name: at})


def _forget(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    """A person who was deleted long ago, an event or a request that was dealt with."""
    return Step({name: None})


def _on_unreadable(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """It is set aside by the kit; nothing here can make up for it."""
    return NOTHING


_ANSWERS: Final[dict[type[Any], Fold]] = {
    PersonEvent: on_event,
    PersonRequest: on_request,
    PersonAnswer: on_answer,
    Unreadable: _on_unreadable,
}
_WAKES: Final[dict[str, Woke]] = {
    "req": _request_due,
    "person": _forget,
    "done": _forget,
    "ev": _forget,
}
