"""Send requests and their cancellation."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from schemas.base import Evidence
from schemas.controls import Cancel
from schemas.dead_letter import DeadLetterCause
from schemas.decision import Finding, Verdict
from schemas.send_request import CancelRequest, CancelSource, SendRequest
from schemas.topics import DISPATCH_CONTROLS
from streams.dedup import RETENTION
from streams.gate.actions import PendingRequest, publish_person_update
from streams.gate.evaluation import apply_evaluation, evaluate_request
from streams.gate.messages import fingerprint, is_same_request, is_system_id
from streams.gate.rules import Evaluation
from streams.gate.state import (
    FIELDS_AT_MOST,
    Cancellation,
    HeldRequest,
    MessageState,
    StepBuilder,
    hold_name,
    message_name,
)
from streams.processing import InputRecord
from streams.reasons import CANCELED, build_cancel_finding, is_member_of_staff

WORDS_AT_MOST: Final = 200
"""Characters of who and why that are kept of a cancellation."""


REQUEST_AGAIN: Final = frozenset({CancelSource.PEOPLE, CancelSource.CASES})
"""They take a text back to send it to another number, or with other words."""


def on_request(step: StepBuilder, record: InputRecord) -> None:
    """Evaluate it, once.

    The same id with the same number and text is a repeat and changes nothing.  With another text
    it becomes a dead letter, for a second decision under that id would garble the first one's
    outcome."""
    request: SendRequest = record.value
    if _size(request) > FIELDS_AT_MOST:
        step.reject_record(record, DeadLetterCause.TOO_LARGE, "a field holds a file, not a word")
        return
    if is_system_id(request.message_id):
        step.reject_record(record, DeadLetterCause.ID_RESERVED, "only Sayso gives ids of this form")
        return
    print_ = fingerprint(request)
    known = step.store.get(message_name(request.message_id), MessageState)
    if known is not None and known.fingerprint:
        if not is_same_request(known.fingerprint, request):
            reason = (
                f"message id {request.message_id} was used before for another text: "
                "send it under an id of its own"
            )
            step.reject_record(record, DeadLetterCause.ID_REUSED, reason)
        return
    message = _start(step, request, print_, known)
    pending = PendingRequest(request, message, record.evidence)
    if message.canceled is not None:
        apply_cancel(step, pending, message.canceled)
    else:
        evaluate_request(step, pending)


def _size(request: SendRequest) -> int:
    """Characters of all that decisions echo; a text that is too long gets a finding instead."""
    echoed = (
        request.branch,
        request.person_id,
        request.case_id,
        request.event_id,
        request.requested_by,
        request.sender,
        request.time_zone,
        request.postal_region,
        request.event_title,
    )
    return len(request.to) + len(request.kind) + sum(map(len, filter(None, echoed)))


def _start(
    step: StepBuilder, request: SendRequest, print_: str, known: MessageState | None
) -> MessageState:
    """What the people processor held goes on from there: its age, and the count of its
    decisions."""
    canceled = known.canceled if known else None
    undo = request.undo_seconds
    undo_until = None if undo is None else step.now + timedelta(seconds=undo)
    resolved = request.resolved
    if resolved is None:
        return MessageState(
            fingerprint=print_, received=step.now, canceled=canceled, undo_until=undo_until
        )
    return MessageState(
        fingerprint=print_,
        received=min(resolved.received_at, step.now),
        seq=resolved.decided,
        canceled=canceled,
        undo_until=undo_until,
    )


# --- cancellation


def on_cancel(step: StepBuilder, record: InputRecord) -> None:
    """Cancel a request, by the people processor (the person has another number now) or by staff.

    What waits ends.  What is ordered is canceled at dispatch, which reports it; if the order comes
    back instead, it ends here.  What is decided otherwise stays.  A cancellation that comes before
    its request waits for it.

    People and cases would request the text again, so they learn of an ordered one only when nobody
    was called for it (see outcomes); at once if staff cancel, who do not want it any more."""
    cancel: CancelRequest = record.value
    canceled = Cancellation(
        by=cancel.by[:WORDS_AT_MOST], reason=cancel.reason[:WORDS_AT_MOST], at=step.now
    )
    name = message_name(cancel.message_id)
    message = step.store.get(name, MessageState)
    if message is None:
        ahead = MessageState(
            fingerprint="", verdict=Verdict.CANCEL, received=step.now, canceled=canceled
        )
        step.put(name, ahead, step.now + RETENTION)
        return
    if message.canceled is not None and not _overrules(canceled, message.canceled):
        return
    held = step.store.get(hold_name(cancel.message_id), HeldRequest)
    message = message.model_copy(update={"canceled": canceled})
    if held is not None:
        apply_cancel(step, PendingRequest(held.request, message, held.evidence, held), canceled)
    elif not message.fingerprint:
        step.entries[name] = message
    elif message.request is not None:
        step.entries[name] = message
        _cancel_order(step, cancel, message, canceled)
        if canceled.by not in REQUEST_AGAIN:
            pending = PendingRequest(message.request, message, Evidence())
            publish_person_update(step, pending, Verdict.CANCEL, may_have_left=True)


def _overrules(canceled: Cancellation, before: Cancellation) -> bool:
    """The people processor wanted the text sent to another number; now somebody does not want it
    at all."""
    return before.by == CancelSource.PEOPLE and canceled.by != CancelSource.PEOPLE


def _cancel_order(
    step: StepBuilder, cancel: CancelRequest, message: MessageState, canceled: Cancellation
) -> None:
    control = Cancel(
        sender=message.sender,
        tenant=cancel.tenant,
        message_id=cancel.message_id,
        reason=canceled.reason,
        at=step.now,
    )
    step.publish(DISPATCH_CONTROLS, control)


def apply_cancel(step: StepBuilder, pending: PendingRequest, canceled: Cancellation) -> None:
    """Decide on a request that its cancellation has met."""
    if canceled.by == CancelSource.OUTCOMES:
        finding = Finding(
            rule=CANCELED,
            verdict=Verdict.CANCEL,
            reason="An earlier try went out after all",
            next_step=canceled.reason,
        )
    else:
        is_withdrawn = _is_withdrawn(pending.message, canceled)
        finding = build_cancel_finding(canceled.by, canceled.reason, is_withdrawn=is_withdrawn)
    apply_evaluation(step, pending, Evaluation(Verdict.CANCEL, (finding,)))


def _is_withdrawn(message: MessageState, canceled: Cancellation) -> bool:
    """By a member of staff, while its sender could undo it."""
    until = message.undo_until
    return until is not None and canceled.at < until and is_member_of_staff(canceled.by)
