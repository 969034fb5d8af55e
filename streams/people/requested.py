"""A person-request comes in; what became of one that was issued comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.base import Evidence
from schemas.decision import Verdict
from schemas.person_answer import PersonAnswer
from schemas.person_request import PersonRequest
from schemas.request_cancel import PEOPLE
from streams.body_limits import why_unsendable
from streams.dead_letters import build_dead_letter
from streams.people.limits import WORDS_AT_MOST
from streams.people.settle import Look, ended, forget_at, over, settled
from streams.people.state import (
    PERSON,
    DoneRow,
    PersonRow,
    RequestRow,
    Stage,
    done_row,
    fingerprint,
    live_row,
)
from streams.processing import NO_CHANGE, InputRecord, Settings, StateStore, StepResult

STAGE_AFTER: Final = {Verdict.SEND: Stage.ORDERED, Verdict.HOLD: Stage.ISSUED}
"""What is ordered may be handed back, and then waits at the gate again; any other verdict is an end."""


def look(state: StateStore, now: datetime, settings: Settings) -> Look:
    row = state.get(PERSON, PersonRow)
    return Look(row.person if row else None, now, settings)


def on_request(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Once: a repeat changes nothing, and another text under its id is set aside, as at the gate."""
    request: PersonRequest = record.value
    if _words(request) > WORDS_AT_MOST:
        return StepResult(
            publish=(
                build_dead_letter(
                    "people", record, now, "too_large", "a field holds a file, not a word"
                ),
            )
        )
    known = _known(state, request.message_id)
    if known is not None:
        return NO_CHANGE if known == fingerprint(request) else _id_reused(record, now)
    place = Evidence(topic=record.topic, partition=record.partition, offset=record.offset)
    row = RequestRow(request=request, place=place, received=now, since=now)
    problem = why_unsendable(request.body)
    if problem is not None:
        return ended(
            row, Verdict.REJECT, [problem.finding(Verdict.REJECT)], look(state, now, settings)
        )
    return settled(row, look(state, now, settings))


def on_answer(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Of the gate, or of outcomes for what was taken back at dispatch.  What is said of an id that the request no
    longer has is old."""
    answer: PersonAnswer = record.value
    name = live_row(answer.request_id)
    row = state.get(name, RequestRow)
    if row is None or row.message_id != answer.message_id or row.stage is Stage.HELD:
        return NO_CHANGE
    if answer.verdict is Verdict.CANCEL and answer.by == PEOPLE:
        return _again(row, look(state, now, settings))
    stage = STAGE_AFTER.get(answer.verdict)
    if stage is None:
        return over(row, now)
    if row.stage is Stage.CANCELING:
        return NO_CHANGE
    after = row.model_copy(update={"stage": stage, "since": now})
    step = settled(after, look(state, now, settings))
    return (
        step
        if name in step.state
        else StepResult({name: after}, timers={name: forget_at(after, now)})
    )


def _again(row: RequestRow, at: Look) -> StepResult:
    """The cancel is decided: now, and only now, it is asked for again, under an id of its own."""
    if at.person is None or at.person.deleted:
        return over(row, at.now)
    fresh = row.model_copy(
        update={
            "issue": row.issue + 1,
            "decided": 0,
            "stage": Stage.HELD,
            "number": "",
            "rules": (),
            "since": at.now,
        }
    )
    return settled(fresh, at)


def _known(state: StateStore, message_id: str) -> str | None:
    live = state.get(live_row(message_id), RequestRow)
    if live is not None:
        return fingerprint(live.request)
    done = state.get(done_row(message_id), DoneRow)
    return done.fingerprint if done else None


def _words(request: PersonRequest) -> int:
    fields = request.model_dump(
        exclude={"body", "number_type", "not_before", "valid_until", "requested_at"}
    )
    return sum(len(said) for said in fields.values() if said)


def _id_reused(record: InputRecord, now: datetime) -> StepResult:
    reason = f"message id {record.value.message_id} was used before for another text: send it under an id of its own"
    return StepResult(publish=(build_dead_letter("people", record, now, "id_reused", reason),))
