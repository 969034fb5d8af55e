"""Controls: what takes a text back, stops a sender, or says what became of a text.

A Stop cancels all messages of a number that were decided under an older consent epoch, and every
later order of such an epoch. It is remembered for longer than any order decided before it is
accepted (`MAX_ORDER_AGE`).  A Recall is remembered likewise: it returns such orders to the gate,
which holds them.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.attempt import AttemptCode, AttemptState, ReturnReason
from schemas.controls import Cancel, Pause, Recall, Resolve, Resume, Sighting, Stop
from streams.dispatch.in_doubt import resolve
from streams.dispatch.list_matching import record_late_receipt
from streams.dispatch.returns import RECALLED, return_to_gate
from streams.dispatch.sender_status import build_queue_entry
from streams.dispatch.state import (
    LATE_RECEIPT_RETENTION,
    QUEUE,
    RETENTION,
    DispatchState,
    Finished,
    InDoubt,
    LiveMessage,
    MessageEntry,
    Queued,
    RecallEntry,
    Sending,
    StopEntry,
    is_decided_before,
    message_name,
    recall_name,
    stop_name,
)
from streams.dispatch.step_builder import StepBuilder

Control = Stop | Recall | Cancel | Sighting | Pause | Resume | Resolve


def apply_control(step: StepBuilder, control: Control) -> None:
    match control:
        case Stop():
            on_stop(step, control)
        case Recall():
            on_recall(step, control)
        case Cancel():
            on_cancel(step, control)
        case Sighting():
            on_late_receipt(step, control)
        case Pause() | Resume():
            on_pause(step, control)
        case Resolve():
            resolve(step, control)


def on_stop(step: StepBuilder, control: Stop) -> None:
    """A later Stop adds to an earlier one."""
    name = stop_name(control.tenant, control.number)
    before = step.get(name, StopEntry) or StopEntry(epoch=control.consent_epoch, at=control.at)
    epoch = max(before.epoch, control.consent_epoch)
    step.put(name, StopEntry(epoch=epoch, at=max(before.at, control.at)))
    step.set_timer(name, step.now + RETENTION)
    for message in _decided_before(step, control):
        _cancel(step, message, AttemptCode.STOPPED)


def on_recall(step: StepBuilder, control: Recall) -> None:
    """What waits returns to the gate.  A call that has not begun is withdrawn, and its text returns
    with the result; one in doubt returns only if it proves absent."""
    name = recall_name(control.tenant, control.number)
    before = step.get(name, RecallEntry)
    epoch = max(before.epoch if before else 0, control.consent_epoch)
    step.put(name, RecallEntry(epoch=epoch, at=control.at))
    step.set_timer(name, step.now + RETENTION)
    for message in list(_decided_before(step, control)):
        if isinstance(message, Queued):
            return_to_gate(step, message, ReturnReason.RECALLED, RECALLED)
        elif isinstance(message, Sending):
            step.cancel_call(message)


def _decided_before(step: StepBuilder, control: Stop | Recall) -> Iterator[LiveMessage]:
    for name in step.queue.names_of_number(control.number):
        message = step.expect(name, LiveMessage)
        order = message.order
        if control.tenant is None:
            if order.issued_at <= control.at:
                yield message
        elif order.tenant == control.tenant and is_decided_before(
            order, control.consent_epoch, control.at
        ):
            yield message


def on_cancel(step: StepBuilder, control: Cancel) -> None:
    """Controls are read before orders, so a Cancel often comes before its order. Then it waits for
    that order, as it does for one that the gate may give again."""
    name = message_name(control.tenant, control.message_id)
    message = step.message(name)
    if message is None:
        entry = MessageEntry(
            place=DispatchState.CANCELED,
            fingerprint="",
            issued_at=control.at,
            barred=AttemptCode.CANCELED,
        )
        step.remember(Finished(name, entry))
    elif isinstance(message, LiveMessage):
        _cancel(step, message, AttemptCode.CANCELED)
    elif message.is_returned:
        step.put(name, message.forbid_retry(AttemptCode.CANCELED).entry)


def _cancel(step: StepBuilder, message: LiveMessage, code: str) -> None:
    """A call that has begun or is in doubt cannot be taken back; the message is never tried
    again."""
    message = message.forbid_retry(code)
    if isinstance(message, Queued):
        step.report(message, AttemptState.CANCELED, code=code)
        step.finish(message, DispatchState.CANCELED)
        return
    if isinstance(message, Sending):
        step.cancel_call(message)
    step.put(message.name, message.entry)


def on_late_receipt(step: StepBuilder, control: Sighting) -> None:
    """The provider called back, so it took the attempt: it is not in doubt any more, and not tried
    again. That counts also if the message returned to the gate, or was ordered again, in the
    meantime."""
    message = step.message(message_name(control.tenant, control.message_id))
    if message is None or not 1 <= control.attempt <= message.attempt:
        return
    is_earlier = control.attempt < message.attempt
    if isinstance(message, Finished) or is_earlier:
        record_late_receipt(step, message, control)
    if isinstance(message, Finished):
        _forbid_new_order(step, message)
    elif is_earlier:
        _cancel(step, message, AttemptCode.SIGHTED)
    elif isinstance(message, InDoubt | Queued):
        step.report(
            message,
            AttemptState.ACCEPTED,
            provider_id=control.provider_id,
            evidence=f"the provider called back: {control.status}",
        )
        step.finish(message, DispatchState.ACCEPTED, control.provider_id)


def _forbid_new_order(step: StepBuilder, message: Finished) -> None:
    """The gate may yet order the text again."""
    if message.is_returned and not message.cancel_code:
        step.put(message.name, message.forbid_retry(AttemptCode.SIGHTED).entry)
        step.set_timer(message.name, step.now + LATE_RECEIPT_RETENTION)


def on_pause(step: StepBuilder, control: Pause | Resume) -> None:
    """Who paused the sender is kept while it is paused."""
    queue = step.queue
    queue.paused = isinstance(control, Pause)
    queue.paused_by = control.by[:200] if queue.paused else ""
    step.put(QUEUE, build_queue_entry(queue))
