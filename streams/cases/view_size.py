"""Keep the record of a whole case below what the broker takes.

A record that is too large would end the worker, again and again.  A case may be as large as
`streams.cases.limits` allows; only together, and with the longest names, is that too much.  What
readers can do without is then cut or left out.  Nothing of it is lost: state has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.case import Case

LARGEST: Final = 4 << 20
"""Bytes of the JSON of a case; the topic takes twice as many."""
LONG_BODY: Final = 200
"""Characters of a task's words that are kept in a case that is too large."""


def fit_case(case: Case) -> Case:
    """First words of tasks are cut and confirmations left out, then parties, then the rest."""
    for shorten in _STEPS:
        size = _measure(case)
        if size <= LARGEST:
            break
        case = shorten(case, size - LARGEST).model_copy(update={"is_cut": True})
    return case


def _measure(part: Any) -> int:
    return len(part.model_dump_json().encode()) + 1


def _cut_words(case: Case, surplus: int) -> Case:
    tasks = (
        task.model_copy(update={"body": task.body and task.body[:LONG_BODY]}) for task in case.tasks
    )
    events = (event.model_copy(update={"confirmed": ()}) for event in case.events)
    return case.model_copy(update={"tasks": tuple(tasks), "events": tuple(events)})


def _leave_out(field: str) -> Callable[[Case, int], Case]:
    """As many as it takes; those that are first by name stay."""

    def shorten(case: Case, surplus: int) -> Case:
        parts = list(getattr(case, field))
        while parts and surplus > 0:
            surplus -= _measure(parts.pop())
        return case.model_copy(update={field: tuple(parts)})

    return shorten


_STEPS: Final[tuple[Callable[[Case, int], Case], ...]] = (
    _cut_words,
    _leave_out("parties"),
    _leave_out("tasks"),
    _leave_out("events"),
)
