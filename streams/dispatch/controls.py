"""Controls: what takes a text back, stops a sender, or tells what became of a text."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.attempt import AttemptState
from schemas.controls import Cancel, Pause, Resume, Sighting, Stop
from streams.dispatch.lost import claim
from streams.dispatch.sender_status import queue_row
from streams.dispatch.state import (
    BARRED,
    LONGEST_ID,
    QUEUE,
    REMEMBERED,
    DispatchState,
    MessageEntry,
    StopEntry,
    message_name,
    stop_name,
)
from streams.dispatch.step_builder import StepBuilder


def stop(draft: StepBuilder, control: Stop) -> None:
    """A later Stop adds to an earlier one.  It is remembered for longer than an order judged before it is obeyed."""
    name = stop_name(control.tenant, control.number)
    before = draft.get(name, StopEntry) or StopEntry(epoch=control.consent_epoch, at=control.at)
    standing = StopEntry(
        epoch=max(before.epoch, control.consent_epoch), at=max(before.at, control.at)
    )
    draft.put(name, standing)
    draft.set_timer(name, draft.now + REMEMBERED)
    for message, row in _judged_before(draft, control):
        _take_back(draft, message, row, "stopped")


def _judged_before(draft: StepBuilder, control: Stop) -> Iterator[tuple[str, MessageEntry]]:
    for name in draft.queue.of_number(control.number):
        row = draft.get(name, MessageEntry)
        if row is None or row.order is None:
            continue
        if control.tenant is None:
            if row.order.issued_at <= control.at:
                yield name, row
        elif row.order.tenant == control.tenant and row.order.consent_epoch < control.consent_epoch:
            yield name, row


def _take_back(draft: StepBuilder, name: str, row: MessageEntry, code: str) -> None:
    """What is in doubt, or has begun, cannot be taken back; it is never tried again."""
    row = row.model_copy(update={"barred": code})
    if row.place is not DispatchState.QUEUED or row.order is None:
        draft.withdraw(row)
        draft.put(name, row)
        return
    draft.report(row.order, row.attempt, AttemptState.CANCELED, code=code)
    draft.finish(name, row, DispatchState.CANCELED)


def cancel(draft: StepBuilder, control: Cancel) -> None:
    """Controls are read before orders, so a Cancel often comes first: then it waits for its order, as it does for one
    that the gate may give again."""
    name = message_name(control.tenant, control.message_id)
    row = draft.get(name, MessageEntry)
    if row is None:
        ahead = MessageEntry(
            place=DispatchState.CANCELED, fingerprint="", issued_at=control.at, barred="canceled"
        )
        draft.finish(name, ahead, DispatchState.CANCELED)
    elif row.order is not None:
        _take_back(draft, name, row, "canceled")
    elif row.place is DispatchState.EXPIRED:
        draft.put(name, row.model_copy(update={"barred": "canceled"}))


def sighting(draft: StepBuilder, control: Sighting) -> None:
    """It did get through: no doubt any more, and no other try.  Also if it was handed back, or ordered again, since."""
    name = message_name(control.tenant, control.message_id)
    row = draft.get(name, MessageEntry)
    if row is None or not 1 <= control.attempt <= row.attempt:
        return
    if row.order is None or control.attempt < row.attempt:
        claim(draft, row, control)
    if row.order is None:
        _proven(draft, name, row, control)
    elif control.attempt < row.attempt:
        _take_back(draft, name, row, "sighted")
    elif row.place in (DispatchState.IN_DOUBT, DispatchState.QUEUED):
        draft.report(
            row.order,
            row.attempt,
            AttemptState.ACCEPTED,
            provider_id=control.provider_id,
            evidence=f"the provider called back: {control.status}",
        )
        draft.finish(
            name, row, DispatchState.ACCEPTED, provider_id=control.provider_id[:LONGEST_ID]
        )


def _proven(draft: StepBuilder, name: str, row: MessageEntry, control: Sighting) -> None:
    """It waits for nothing here; the gate may yet order it again."""
    if row.place is DispatchState.EXPIRED and not row.barred:
        draft.put(name, row.model_copy(update={"barred": "sighted"}))
        draft.set_timer(name, draft.now + BARRED)


def pause(draft: StepBuilder, control: Pause | Resume) -> None:
    """By whom is kept while it is paused."""
    queue = draft.queue
    queue.paused = isinstance(control, Pause)
    queue.paused_by = control.by[:200] if queue.paused else ""
    draft.put(QUEUE, queue_row(queue))
