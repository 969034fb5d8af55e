"""Keep each case, and request the texts that its parties are due.

Theory of operation
-------------------
The entity key is one case.  Changes come in any order, more than once, and late.  Each field is a
register of which the later change holds (`streams.cases.registers`), so the case is the same
whatever the order.  What comes before the case was opened is kept.

Only the *name* of a future text exists: (case, event and its time, recipe, person), or (case, task,
person).  Number, words, consent and switches are read when it is due, and no earlier.  Texts hang
on *anchors*: a task, an event, a named date.  Each anchor has one timer, at which it is looked at
next.

Whenever something changes, the anchors that it may concern are looked at again
(`streams.cases.walks`).  What is due by now and what was requested are compared text by text
(`streams.cases.texts`).  Looking again changes nothing when nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.case import CaseAnswer, CasePerson, CaseReply
from schemas.case_event import UnknownCaseEvent
from schemas.dead_letter import DeadLetterCause
from streams.cases.answers import take_answer, take_reply
from streams.cases.changes import apply_change
from streams.cases.draft import Draft
from streams.cases.limits import why_impossible, why_refused
from streams.cases.parties import take_person
from streams.cases.state import CASE, DUE, SWEEP
from streams.cases.view import publish_now, publish_view
from streams.cases.walks import (
    continue_sweep,
    continue_walk,
    follow_audience,
    look_at_anchors,
    look_at_person,
    start_sweep,
)
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Settings,
    StateStore,
    StepResult,
    UnreadableRecord,
    build_dead_letter,
)

UNKNOWN_TENANT: Final = "nobody has applied settings for this tenant: apply them, then replay it"

FEW_PEOPLE: Final = 20
"""A change to more of them is dealt with as one that concerns all, in steps."""
BEHIND: Final = timedelta(seconds=10)
"""A record that is older may be followed by others that were said while nobody worked.  Texts are
looked at when all of them are read (`Processor.catches_up`)."""
WITHOUT_SETTINGS: Final = timedelta(hours=1)
"""So much later a timer of a tenant without settings fires again."""


def cases(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    value = record.value
    if isinstance(value, UnreadableRecord | UnknownCaseEvent):
        return NO_CHANGE
    if value.tenant not in settings.tenants:
        cause = DeadLetterCause.UNKNOWN_TENANT
        letter = build_dead_letter("cases", record, now, cause, UNKNOWN_TENANT)
        return StepResult(publish=(letter,))
    draft = Draft(state, now, settings)
    draft.is_behind = bool(record.at_ms) and record.at < now - BEHIND
    handle = _HANDLERS.get(type(value))
    if handle is not None:
        handle(draft, value)
        return draft.result()
    for check, refusal in _CHECKS:
        problem = check(draft, value)
        if problem is not None:
            letter = build_dead_letter("cases", record, now, refusal, problem)
            return StepResult(publish=(letter,))
    _on_change(draft, value)
    return draft.result()


def cases_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """Without the tenant's settings nothing can be done yet, and nothing is given up."""
    tenant = state.entity_key.partition("/")[0]
    if tenant not in settings.tenants:
        return StepResult(timers={name: now + WITHOUT_SETTINGS})
    draft = Draft(state, now, settings)
    if name == CASE:
        publish_now(draft)
    elif name == SWEEP:
        continue_sweep(draft)
    elif name.startswith(DUE):
        continue_walk(draft, name)
    return draft.result()


def cases_finish(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    """What is done once a batch: publish the case as it stands, and see who is due a text."""
    tenant = state.entity_key.partition("/")[0]
    if tenant not in settings.tenants:
        return NO_CHANGE
    draft = Draft(state, now, settings)
    if draft.index.audience:
        follow_audience(draft)
    if draft.index.views:
        publish_view(draft)
    return draft.result()


def _on_change(draft: Draft, change: Any) -> None:
    touched = apply_change(draft, change)
    draft.show()
    is_large = len(touched.people) > FEW_PEOPLE
    for person_id in () if is_large else sorted(touched.people):
        look_at_person(draft, person_id)
    draft.index.audience |= touched.audience
    if touched.all_people or is_large:
        start_sweep(draft)
    anchors = draft.index.anchors() if touched.all_anchors or is_large else touched.anchors
    look_at_anchors(draft, anchors)


def _on_person(draft: Draft, person: CasePerson) -> None:
    if take_person(draft, person):
        look_at_person(draft, person.person_id)


_CHECKS: Final = (
    (why_impossible, DeadLetterCause.INVALID),
    (why_refused, DeadLetterCause.TOO_LARGE),
)
_HANDLERS: Final[Mapping[type[Any], Callable[[Draft, Any], None]]] = {
    CasePerson: _on_person,
    CaseAnswer: take_answer,
    CaseReply: take_reply,
}
