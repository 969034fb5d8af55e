"""The end of each step: a number's consent status is published when it changed, and how many texts
wait for it.

A change of consent is published at once; the count of held texts a second later, for it may change
a thousand times in that second.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.consent import ConsentState, ConsentStatus, RevocationInQuestion
from schemas.inbound import Contact
from schemas.topics import CONSENT_STATUS, CONTACTS
from streams.gate import opt_in_state
from streams.gate.messages import is_system_id
from streams.gate.state import HELD, NUMBER, NumberState, StepBuilder
from streams.processing import StepResult

COUNT_AFTER: Final = timedelta(seconds=1)
"""A thousand texts held for one number in a second change its status once."""


def finish(step: StepBuilder) -> StepResult:
    number = step.number
    if number is not step.loaded:
        _withdraw_contacts(step)
    if number is not step.loaded and _published(number) != _published(step.loaded):
        _publish_status(step)
    elif number.count_due_at is None and any(name.startswith(HELD) for name in step.entries):
        due = step.now + COUNT_AFTER
        step.number = number.model_copy(update={"count_due_at": due})
    if (timer := _next_timer(step.number)) != _next_timer(step.loaded):
        step.timers[NUMBER] = timer
    return step.build()


def _next_timer(number: NumberState) -> datetime | None:
    opt_out_at = number.question.opt_out_at if number.question else None
    return min((at for at in (number.count_due_at, opt_out_at) if at is not None), default=None)


def publish_held_count(step: StepBuilder) -> None:
    """The number's timer fires.  It may do so for a question only."""
    if step.number.count_due_at is None:
        return
    held = _count_held(step)
    before = step.number.published_held or 0
    step.number = step.number.model_copy(update={"count_due_at": None, "published_held": held})
    if held != before:
        step.publish(CONSENT_STATUS, _build_status(step, held))


def _publish_status(step: StepBuilder) -> None:
    held = _count_held(step)
    step.number = step.number.model_copy(update={"published_held": held})
    step.publish(CONSENT_STATUS, _build_status(step, held))


def _published(number: NumberState) -> tuple[Any, ...]:
    """What readers of the status learn at once."""
    requests = opt_in_state.opt_in_requests(number)
    return number.state, number.epoch, requests.issued_at, requests.last, number.question


def _count_held(step: StepBuilder) -> int:
    """Texts that wait after the step, system messages aside."""
    deleted = {name for name, entry in step.entries.items() if entry is None}
    written = (name for name in step.entries if name.startswith(HELD))
    names = {*step.store.names(HELD), *written} - deleted
    return sum(not is_system_id(name.removeprefix(HELD)) for name in names)


def _build_status(step: StepBuilder, held: int) -> ConsentStatus:
    number = step.number
    requests = opt_in_state.opt_in_requests(number)
    since = requests.issued_at or step.now
    if number.since_ms:
        since = datetime.fromtimestamp(number.since_ms / 1000, UTC)
    return ConsentStatus(
        tenant=step.tenant_id,
        number=step.phone,
        state=number.state,
        consent_epoch=number.epoch,
        since=since,
        source=number.source,
        asked_at=requests.issued_at,
        ask_again_at=None
        if number.state in opt_in_state.SETTLED
        else opt_in_state.next_request_at(number),
        held=held,
        in_question=_describe_question(number),
        log_seq=number.log_seq,
        log_hash=number.log_hash,
    )


def _describe_question(number: NumberState) -> RevocationInQuestion | None:
    question = number.question
    if question is None:
        return None
    return RevocationInQuestion(
        since=datetime.fromtimestamp(question.since_ms / 1000, UTC),
        opt_out_at=question.opt_out_at,
        event_id=question.event_id,
        read_by=question.read_by,
    )


def _withdraw_contacts(step: StepBuilder) -> None:
    """Tell the inbox that this tenant's opt-in request has come to nothing.

    It gives a START on a shared sender to the tenants whose opt-in request is unanswered.  Dispatch
    withdraws those that were not taken; this is for those that did not arrive."""
    before = step.loaded
    issued_at = opt_in_state.opt_in_requests(before).issued_at
    if before.state is not ConsentState.PENDING or issued_at is None:
        return
    if not opt_in_state.has_none_delivered(step.number):
        return
    for sender in before.senders:
        if opt_in_state.is_shared(step.settings.senders.get(sender)):
            contact = Contact(
                sender=sender,
                number=step.phone,
                tenant=step.tenant_id,
                unasked=True,
                at=issued_at,
            )
            step.publish(CONTACTS, contact)
