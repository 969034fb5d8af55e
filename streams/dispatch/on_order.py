"""An order comes in: queue it, once; or say why not."""

from __future__ import annotations

from schemas.attempt import AttemptState
from schemas.send import Send
from streams.dead_letters import build_dead_letter
from streams.dispatch.opt_in_budget import beyond_budget
from streams.dispatch.returns import hand_back, no_room
from streams.dispatch.state import (
    TOO_OLD,
    DispatchState,
    MessageEntry,
    StopEntry,
    fingerprint,
    is_of,
    message_name,
    stop_names,
)
from streams.dispatch.step_builder import StepBuilder
from streams.processing import InputRecord, Settings

LONGEST = 8_000
"""Characters of an order's texts together; the gate allows a body of 1,600.  A row must stay under 64 kB."""


def ordered(draft: StepBuilder, record: InputRecord, order: Send, settings: Settings) -> None:
    name = message_name(order.tenant, order.message_id)
    before, mark = draft.get(name, MessageEntry), fingerprint(order)
    if len(order.body) + len(order.to) + len(order.kind) + len(order.sender) > LONGEST:
        draft.set_aside(
            build_dead_letter(
                "dispatch", record, draft.now, "too_large", "an order holds a text, not a file"
            )
        )
    elif before is not None and before.fingerprint and not is_of(before.fingerprint, order):
        reason = (
            "another text or number stands under this id: order it again under an id of its own"
        )
        draft.set_aside(build_dead_letter("dispatch", record, draft.now, "id_reused", reason))
    elif before is None or not before.fingerprint or _again(before, order, record.offset):
        _take(draft, name, _row(before, order, mark, record.offset), before, settings)


def _again(before: MessageEntry, order: Send, offset: int) -> bool:
    """Handed back, judged again and ordered again; anything else is a repeat.  Told by where it stands, for the gate's
    clock may have been set back in between."""
    return (
        before.place is DispatchState.EXPIRED
        and order.issued_at != before.issued_at
        and offset >= before.arrival
    )


def _row(before: MessageEntry | None, order: Send, mark: str, offset: int) -> MessageEntry:
    """An order given again is reported under the number of its next call, above all that was reported before, here or
    at another sender."""
    reported = (
        max(before.next_attempt, before.attempt + 1)
        if before is not None and before.fingerprint
        else 0
    )
    number = max(reported, order.attempt)
    return MessageEntry(
        place=DispatchState.QUEUED,
        fingerprint=mark,
        issued_at=order.issued_at,
        arrival=offset,
        attempt=number,
        next_attempt=max(number, 1),
        not_before=order.not_before,
        order=order,
    )


def _take(
    draft: StepBuilder,
    name: str,
    row: MessageEntry,
    before: MessageEntry | None,
    settings: Settings,
) -> None:
    order = row.order
    assert order is not None
    barred = (before.barred if before is not None else None) or stopped(draft, order)
    if barred:
        draft.report(order, row.attempt, AttemptState.CANCELED, code=barred)
        draft.finish(name, row.model_copy(update={"barred": barred}), DispatchState.CANCELED)
        return
    draft.join(order, row.attempt)
    if draft.now - order.issued_at > TOO_OLD:
        hand_back(draft, name, row, "old_order", "the order is more than 48 hours old")
    elif order.send_before <= draft.now:
        hand_back(draft, name, row, "out_of_time", "it came after its send_before")
    elif until := beyond_budget(
        draft, order, before is not None and bool(before.fingerprint), settings
    ):
        hand_back(draft, name, row, "ask_budget", "this hour's opt-in requests are used up", until)
    else:
        draft.place(name, row)
        if not no_room(draft, name, row, settings) and before is not None:
            draft.set_timer(name, None)


def stopped(draft: StepBuilder, order: Send) -> str | None:
    """The standing Stop this order was judged too early for, as a code."""
    names = stop_names(order.tenant, order.to)
    own, every = draft.get(names[0], StopEntry), draft.get(names[1], StopEntry)
    if (own and order.consent_epoch < own.epoch) or (every and order.issued_at <= every.at):
        return "stopped"
    return None
