"""An order comes in: queue it once, or say why not."""

from __future__ import annotations

from typing import Final

from schemas.attempt import AttemptCode, AttemptState, ReturnReason
from schemas.dead_letter import DeadLetterCause
from schemas.numbers import is_former_writing
from schemas.send import Send
from streams.dispatch.opt_in_budget import reserve_opt_in_request
from streams.dispatch.returns import RECALLED, is_recalled, return_if_full, return_to_gate
from streams.dispatch.state import (
    MAX_ORDER_AGE,
    DispatchState,
    MessageEntry,
    Queued,
    StopEntry,
    compute_fingerprint,
    former_stop_names,
    is_decided_before,
    is_same_text,
    message_name,
    stop_names,
)
from streams.dispatch.step_builder import StepBuilder
from streams.processing import InputRecord, Settings, build_dead_letter

MAX_LENGTH: Final = 8_000
"""Characters of an order's texts together; the gate allows a body of 1,600. An entry must stay
below 64 kB."""


def on_order(step: StepBuilder, record: InputRecord, order: Send, settings: Settings) -> None:
    """A repeat of an order that is known changes nothing."""
    name = message_name(order.tenant, order.message_id)
    before = step.get(name, MessageEntry)
    known = before if before and before.fingerprint else None  # not if a Cancel came first
    if len(order.body) + len(order.to) + len(order.kind) + len(order.sender) > MAX_LENGTH:
        reason = "an order holds a text, not a file"
        step.add_dead_letter(
            build_dead_letter("dispatch", record, step.now, DeadLetterCause.TOO_LARGE, reason)
        )
    elif known is not None and not is_same_text(known.fingerprint, order):
        reason = "this id belongs to another text or number: send the order under an id of its own"
        step.add_dead_letter(
            build_dead_letter("dispatch", record, step.now, DeadLetterCause.ID_REUSED, reason)
        )
    elif known is None or _is_reorder(known, order, record.offset):
        entry = _build_entry(known, order, record.offset)
        _accept(step, Queued(name, order, entry), before, settings)


def _is_reorder(known: MessageEntry, order: Send, offset: int) -> bool:
    """It returned to the gate, which evaluated and ordered it again. The offset tells this from a
    repeat, because the gate's clock may have been set back in between."""
    return (
        known.place is DispatchState.EXPIRED
        and order.issued_at != known.issued_at
        and offset >= known.arrival
    )


def _build_entry(known: MessageEntry | None, order: Send, offset: int) -> MessageEntry:
    """An order given again is reported under the number of its next call. That is above all numbers
    reported before, here or at another sender."""
    reported = 0 if known is None else max(known.next_attempt, known.attempt + 1)
    number = max(reported, order.attempt)
    return MessageEntry(
        place=DispatchState.QUEUED,
        fingerprint=compute_fingerprint(order),
        issued_at=order.issued_at,
        arrival=offset,
        attempt=number,
        next_attempt=max(number, 1),
        not_before=order.not_before,
        order=order,
    )


def _accept(
    step: StepBuilder, message: Queued, before: MessageEntry | None, settings: Settings
) -> None:
    order = message.order
    code = (before.barred if before is not None else None) or find_stop(step, order)
    if code:
        step.report(message, AttemptState.CANCELED, code=code)
        step.finish(message.forbid_retry(code), DispatchState.CANCELED)
        return
    step.report_queued(message)
    was_ordered = before is not None and bool(before.fingerprint)
    if step.now - order.issued_at > MAX_ORDER_AGE:
        return_to_gate(step, message, ReturnReason.OLD_ORDER, "the order is more than 48 hours old")
    elif is_recalled(step, order):
        return_to_gate(step, message, ReturnReason.RECALLED, RECALLED)
    elif order.send_before <= step.now:
        return_to_gate(step, message, ReturnReason.OUT_OF_TIME, "it came after its send_before")
    elif until := reserve_opt_in_request(step, order, was_ordered, settings):
        reason = "this hour's opt-in requests are used up"
        return_to_gate(step, message, ReturnReason.ASK_BUDGET, reason, until)
    else:
        step.save(message)
        if not return_if_full(step, message, settings) and before is not None:
            step.set_timer(message.name, None)


def find_stop(step: StepBuilder, order: Send) -> str | None:
    """The attempt code, if a Stop is known that is later than the decision behind this order."""
    if _is_stopped(step, order, stop_names(order.tenant, order.to)) or (
        is_former_writing(order.to)
        and _is_stopped(step, order, former_stop_names(order.tenant, order.to))
    ):
        return AttemptCode.STOPPED
    return None


def _is_stopped(step: StepBuilder, order: Send, names: tuple[str, str]) -> bool:
    own = step.get(names[0], StopEntry)
    every = step.get(names[1], StopEntry)
    return (own is not None and is_decided_before(order, own.epoch, own.at)) or (
        every is not None and order.issued_at <= every.at
    )
