"""Take a person-request from its arrival to its end.

`advance` looks at a request, the person as they are now, the clock and the tenant's policy, and
does what is due.  It is called whenever anything happens, so it must change nothing when nothing
has changed.  `streams.people.processor` says why a text that moves to another number is canceled
first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.dead_letter import DeadLetterCause
from schemas.decision import Finding, Verdict
from schemas.person import NumberType, Person, PersonAnswer, PersonRequest
from schemas.send_request import CancelSource
from streams.dedup import RETENTION
from streams.encoding.body import why_unsendable
from streams.people.number_choice import can_still_receive, choose_number, is_number
from streams.people.publications import (
    build_cancel,
    build_decision,
    build_send_request,
    confirm_cancel,
)
from streams.people.state import (
    CANCELABLE,
    MAX_CHARACTERS,
    PERSON,
    WORDS_AT_MOST,
    Cancellation,
    FinishedRequest,
    PersonEntry,
    RequestEntry,
    Stage,
    cancel_name,
    fingerprint,
    fingerprint_name,
    request_name,
)
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateStore,
    StepResult,
    build_dead_letter,
)
from streams.reasons import (
    EXPIRED,
    HELD_TOO_LONG,
    Reason,
    add_clamped,
    build_cancel_finding,
    end_test,
    hold_deadline,
    is_member_of_staff,
)

DELETED: Final = Reason(
    "person_deleted", "The person was deleted", "ask again for somebody who is on record"
)
MOVED: Final = "the person's number has changed: it is sent to the new one, once this is taken back"
WAITS: Final = (
    "the person has no number now that may be texted: it waits for one, once this is taken back"
)

STAGE_AFTER: Final = {Verdict.SEND: Stage.ORDERED, Verdict.HOLD: Stage.ISSUED}
"""Dispatch may return what was ordered; then it waits at the gate again.  Any other verdict ends
the request."""


class Context(NamedTuple):
    """All that `advance` depends on, besides the request."""

    person: Person | None
    now: datetime
    settings: Settings


def load_context(state: StateStore, now: datetime, settings: Settings) -> Context:
    entry = state.get(PERSON, PersonEntry)
    return Context(entry.person if entry else None, now, settings)


def on_request(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A repeat changes nothing; another text under its id becomes a dead letter, as at the gate."""
    request: PersonRequest = record.value
    if _count_characters(request) > MAX_CHARACTERS:
        reason = "a field holds a file, not a word"
        return StepResult(
            publish=(build_dead_letter("people", record, now, DeadLetterCause.TOO_LARGE, reason),)
        )
    known = _find_fingerprint(state, request.message_id)
    if known is not None:
        return NO_CHANGE if known == fingerprint(request) else _refuse_reused_id(record, now)
    place = record.evidence
    entry = RequestEntry(request=request, place=place, received=now, since=now)
    context = load_context(state, now, settings)
    canceled = state.get(cancel_name(request.message_id), Cancellation)
    if canceled is not None:
        ended = end_canceled(entry, canceled, context)
        return StepResult.merge(ended, StepResult({cancel_name(request.message_id): None}))
    problem = why_unsendable(request.body)
    if problem is not None:
        return end(entry, Verdict.REJECT, [problem.finding(Verdict.REJECT)], context)
    return advance(entry, context)


def on_answer(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """From the gate, or from outcomes for what dispatch canceled.  An answer about an id that the
    request no longer has is out of date."""
    answer: PersonAnswer = record.value
    name = request_name(answer.request_id)
    entry = state.get(name, RequestEntry)
    if entry is None or entry.message_id != answer.message_id or entry.stage is Stage.HELD:
        return NO_CHANGE
    if answer.verdict is Verdict.CANCEL and answer.by == CancelSource.PEOPLE:
        return _issue_again(entry, load_context(state, now, settings))
    if answer.verdict is Verdict.CANCEL and answer.may_have_left:
        return _wait_for_call(entry, answer, now)
    stage = STAGE_AFTER.get(answer.verdict)
    if stage is None:
        return finish(entry, now)
    if entry.stage is Stage.CANCELING:
        return NO_CHANGE
    after = entry.model_copy(update={"stage": stage, "since": now})
    step = advance(after, load_context(state, now, settings))
    if name in step.state:
        return step
    return StepResult({name: after}, timers={name: forget_at(after, now)})


def _wait_for_call(entry: RequestEntry, answer: PersonAnswer, now: datetime) -> StepResult:
    """Staff do not want it any more, and nobody knows yet whether it has left.  It is not issued
    again, and no case may ask for it with other words until that is known."""
    canceled = entry.canceled or Cancellation(by=answer.by[:WORDS_AT_MOST], at=now)
    after = entry.model_copy(update={"stage": Stage.CANCELING, "canceled": canceled, "since": now})
    name = request_name(answer.request_id)
    return StepResult({name: after}, timers={name: forget_at(after, now)})


def _issue_again(entry: RequestEntry, context: Context) -> StepResult:
    """The cancel is confirmed: only now may the text go to another number, under an id of its
    own, unless nobody wants it any more."""
    if entry.canceled is not None or context.person is None or context.person.deleted:
        return finish(entry, context.now)
    held = entry.model_copy(
        update={
            "issue": entry.issue + 1,
            "decided": 0,
            "stage": Stage.HELD,
            "number": "",
            "rules": (),
            "since": context.now,
        }
    )
    return advance(held, context)


def _find_fingerprint(state: StateStore, message_id: str) -> str | None:
    live = state.get(request_name(message_id), RequestEntry)
    if live is not None:
        return fingerprint(live.request)
    finished = state.get(fingerprint_name(message_id), FinishedRequest)
    return finished.fingerprint if finished else None


def _count_characters(request: PersonRequest) -> int:
    fields = request.model_dump(exclude={"body"}).values()
    return sum(len(value) for value in fields if isinstance(value, str))


def _refuse_reused_id(record: InputRecord, now: datetime) -> StepResult:
    reason = (
        f"message id {record.value.message_id} was used before for another text:"
        " send it under an id of its own"
    )
    return StepResult(
        publish=(build_dead_letter("people", record, now, DeadLetterCause.ID_REUSED, reason),)
    )


def advance(entry: RequestEntry, context: Context) -> StepResult:
    return _STAGES[entry.stage](entry, context)


def _advance_held(entry: RequestEntry, context: Context) -> StepResult:
    """Issue it if there is a number now; end it if it is too late; else say why it waits, if that
    has changed."""
    choice = choose_number(context.person, entry.request, _number_types(entry, context))
    if isinstance(choice, str):
        return _issue(entry, choice, context)
    findings = [reason.finding(Verdict.HOLD) for reason in choice]
    if context.person is not None and context.person.deleted:
        findings.append(DELETED.finding(Verdict.REJECT))
        return end(entry, Verdict.REJECT, findings, context)
    due = hold_deadline(entry.received, entry.request.not_before, entry.request.valid_until)
    if context.now >= due:
        late = EXPIRED if due == entry.request.valid_until else HELD_TOO_LONG
        findings.append(late.finding(Verdict.EXPIRE))
        return end(entry, Verdict.EXPIRE, findings, context)
    if entry.request.test_mode:
        return end(entry, Verdict.HOLD, findings, context)
    rules = tuple(reason.rule for reason in choice)
    if rules == entry.rules:
        return StepResult(timers={request_name(entry.request.message_id): due})
    held = entry.model_copy(update={"rules": rules, "decided": entry.decided + 1})
    decision = build_decision(entry, Verdict.HOLD, findings, context.now, context.settings)
    return keep(held, due, decision)


def _advance_issued(entry: RequestEntry, context: Context) -> StepResult:
    """As far as we know it waits at the gate.  Cancel it if its number is no longer the one to
    text."""
    number = choose_number(context.person, entry.request, _number_types(entry, context))
    return NO_CHANGE if is_number(number, entry.number) else _cancel(entry, context)


def _advance_ordered(entry: RequestEntry, context: Context) -> StepResult:
    """It goes to the number it was ordered for, unless that may no longer be texted for this
    person."""
    if context.now - entry.since > CANCELABLE:
        return NO_CHANGE
    types = _number_types(entry, context)
    if can_still_receive(context.person, entry.request, types, entry.number):
        return NO_CHANGE
    return _cancel(entry, context)


def _advance_canceling(entry: RequestEntry, context: Context) -> StepResult:
    return NO_CHANGE


_STAGES: Final[dict[Stage, Callable[[RequestEntry, Context], StepResult]]] = {
    Stage.HELD: _advance_held,
    Stage.ISSUED: _advance_issued,
    Stage.ORDERED: _advance_ordered,
    Stage.CANCELING: _advance_canceling,
}


def _issue(entry: RequestEntry, number: str, context: Context) -> StepResult:
    after = entry.model_copy(
        update={"stage": Stage.ISSUED, "number": number, "rules": (), "since": context.now}
    )
    request = build_send_request(after, number, context.person)
    return keep(after, forget_at(after, context.now), request)


def _cancel(entry: RequestEntry, context: Context) -> StepResult:
    after = entry.model_copy(update={"stage": Stage.CANCELING, "since": context.now})
    cancel = build_cancel(entry, context.now, _why_canceled(entry, context))
    return keep(after, forget_at(after, context.now), cancel)


def _why_canceled(entry: RequestEntry, context: Context) -> str:
    if context.person is None or context.person.deleted:
        return f"{DELETED.reason}: {DELETED.next_step}"
    choice = choose_number(context.person, entry.request, _number_types(entry, context))
    return MOVED if isinstance(choice, str) else WAITS


def end(
    entry: RequestEntry, verdict: Verdict, findings: list[Finding], context: Context
) -> StepResult:
    if entry.request.test_mode:
        verdict, findings = Verdict.CANCEL, [*end_test(verdict, findings)]
    decision = build_decision(entry, verdict, findings, context.now, context.settings)
    finished = finish(entry, context.now)
    return finished._replace(publish=(decision, *finished.publish))


def end_canceled(entry: RequestEntry, canceled: Cancellation, context: Context) -> StepResult:
    """It is with us, and somebody has taken it back."""
    undo = timedelta(seconds=entry.request.undo_seconds or 0)
    is_withdrawn = context.now < entry.received + undo and is_member_of_staff(canceled.by)
    finding = build_cancel_finding(canceled.by, canceled.reason, is_withdrawn=is_withdrawn)
    entry = entry.model_copy(update={"canceled": canceled})
    return end(entry, Verdict.CANCEL, [finding], context)


def finish(entry: RequestEntry, now: datetime) -> StepResult:
    """Drop the text, and remember the id.  Whoever took it back is told."""
    request, canceled = entry.request, entry.canceled
    case_id = canceled.case_id if canceled else None
    confirmation = confirm_cancel(request.tenant, case_id, request.message_id, now)
    name = fingerprint_name(entry.request.message_id)
    state = {
        request_name(entry.request.message_id): None,
        name: FinishedRequest(fingerprint=fingerprint(entry.request)),
    }
    return StepResult(state, confirmation, {name: now + RETENTION})


def forget_at(entry: RequestEntry, now: datetime) -> datetime:
    """From when on nobody can say anything of it: the gate has ended what it holds, and every topic
    has forgotten."""
    limit = hold_deadline(entry.received, entry.request.not_before, entry.request.valid_until)
    return add_clamped(max(limit, now), RETENTION)


def keep(entry: RequestEntry, timer: datetime, publication: Publication) -> StepResult:
    name = request_name(entry.request.message_id)
    return StepResult({name: entry}, (publication,), {name: timer})


def _number_types(entry: RequestEntry, context: Context) -> tuple[NumberType, ...]:
    tenant = context.settings.tenants.get(entry.request.tenant)
    return tenant.number_types if tenant else ()
