"""A direct text from a case to one of its parties: a task of its own, due at once.

It can be withdrawn by its message id, which is known before the case has requested it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from schemas.case import Readiness
from schemas.case_event import Audience, TaskScheduled, TaskTime
from schemas.person import PersonCancel
from schemas.send_request import Kind
from services.operations.case_doubts import check_words, doubt_closed
from services.operations.case_view import view_parties
from services.operations.cases import Change, KnownCase, build_change, require_party
from services.operations.validation import build_message, new_id
from streams.cases import name_task_text

_BY_HAND: Final = re.compile(r"text-[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


def is_by_hand(task_id: str) -> bool:
    """Whether a task is a direct text, by its id alone."""
    return _BY_HAND.fullmatch(task_id) is not None


def build_direct_text(
    about: KnownCase,
    person_id: str,
    body: str,
    by: str,
    now: datetime,
    undo_seconds: int | None = None,
) -> Change:
    """Raises InvalidRequest for words that could not be sent, or for somebody who is no party."""
    doubts = check_words(about, body)
    require_party(about, person_id)
    event: Any = build_change(
        TaskScheduled,
        about,
        by,
        now,
        task_id=new_id("text"),
        body=body,
        audience=Audience(person_ids=(person_id,)),
        when=TaskTime(now=True),
        kind=Kind.DIRECT,
        written_by=by,
        undo_seconds=undo_seconds,
    )
    return Change((event,), (*doubts, *_doubts(about, person_id)))


def name_direct_text(change: Change) -> str:
    """The message id of the text that `build_direct_text` has made."""
    (task,) = change.events
    (person_id,) = task.audience.person_ids
    return name_task_text(task.tenant, task.case_id, task.task_id, person_id)


def build_direct_withdrawal(change: Change, by: str, now: datetime) -> PersonCancel:
    """Undo a direct text that was just sent.  It needs no ledger, and may overtake the text."""
    (task,) = change.events
    (person_id,) = task.audience.person_ids
    return build_message(
        PersonCancel,
        tenant=task.tenant,
        person_id=person_id,
        request_id=name_direct_text(change),
        by=by,
        at=now,
    )


def _doubts(about: KnownCase, person_id: str) -> list[str]:
    case = about.case
    if case is None:
        return []
    found = [*doubt_closed(about)]
    party = next(
        one for one in view_parties(about.ledger, case) if one.party.person_id == person_id
    )
    if party.readiness is not Readiness.READY:
        found.append(f"it cannot go yet: {party.reason[:1].lower()}{party.reason[1:]}")
    return found
