"""Requests, and orders that came back."""

from __future__ import annotations

from datetime import datetime

from schemas.base import Evidence
from schemas.returned import Returned
from schemas.send_request import SendRequest
from schemas.system_kind import SystemKind
from streams.dead_letters import build_dead_letter
from streams.gate.asked import ask_came_back
from streams.gate.cancel import taken_back
from streams.gate.crowded import waits_for_room
from streams.gate.follow import Pending
from streams.gate.identity import fingerprint
from streams.gate.judge import judge
from streams.gate.limits import WORDS_AT_MOST
from streams.gate.own import is_ours
from streams.gate.release import with_number
from streams.gate.state import NUMBER, MessageRow, NumberRow, message_row
from streams.gate.waits import wait_of
from streams.processing import NO_CHANGE, InputRecord, Settings, StateStore, StepResult


def on_request(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Judge it, once.  The same id with the same number and text is a repeat and changes nothing; with another text
    it is set aside as `id_reused`, for a second decision under that id would garble the first one's outcome."""
    request: SendRequest = record.value
    if _words(request) > WORDS_AT_MOST:
        return StepResult(
            publish=(
                build_dead_letter(
                    "gate", record, now, "too_large", "a field holds a file, not a word"
                ),
            )
        )
    if is_ours(request.message_id):
        return StepResult(
            publish=(
                build_dead_letter(
                    "gate", record, now, "id_reserved", "only Sayso gives ids of this form"
                ),
            )
        )
    print_ = fingerprint(request)
    known = state.get(message_row(request.message_id), MessageRow)
    if known is not None and known.fingerprint:
        return NO_CHANGE if known.fingerprint == print_ else _id_reused(request, record, now)
    return _judged(
        state, Pending(request, _new(request, print_, known, now), _place(record)), now, settings
    )


def _new(request: SendRequest, print_: str, known: MessageRow | None, now: datetime) -> MessageRow:
    """What people had held goes on from there: its age counts from when it came to people, its decisions from
    theirs."""
    resolved, canceled = request.resolved, known.canceled if known else None
    if resolved is None:
        return MessageRow(fingerprint=print_, received=now, canceled=canceled)
    received = min(resolved.received_at, now)
    return MessageRow(
        fingerprint=print_, received=received, seq=resolved.decided, canceled=canceled
    )


def _words(request: SendRequest) -> int:
    """Characters of all that is echoed in decisions; a text that is too long is answered in words."""
    given = filter(
        None,
        (
            request.branch,
            request.person_id,
            request.case_id,
            request.event_id,
            request.requested_by,
            request.sender,
            request.time_zone,
            request.postal_region,
            request.event_title,
        ),
    )
    return len(request.to) + len(request.kind) + sum(map(len, given))


def on_returned(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Judge it afresh: consent may have changed, its time may be past.  Only the order that is out now counts; an
    older one, or one that came back already, changes nothing."""
    returned: Returned = record.value
    order = returned.order
    message = state.get(message_row(order.message_id), MessageRow)
    if message is None:
        reason = "an order came back that the gate no longer knows"
        return StepResult(
            publish=(build_dead_letter("gate", record, now, "unknown_order", reason),)
        )
    if message.request is None or message.issued_at != order.issued_at:
        return NO_CHANGE
    request = message.request.model_copy(update={"body": order.body})
    pending = Pending(request, _reported(message, returned), _place(record))
    wait = wait_of(returned, now)
    if message.canceled is not None:
        return _judged(state, pending, now, settings)
    if order.kind == SystemKind.CONSENT_ASK:
        return ask_came_back(state, pending, wait, now, settings)
    return (
        waits_for_room(state, pending, wait, now, settings)
        if wait
        else _judged(state, pending, now, settings)
    )


def _reported(message: MessageRow, returned: Returned) -> MessageRow:
    """The next order may go to another sender, which knows nothing of the attempts here."""
    return message.model_copy(
        update={"next_attempt": max(message.next_attempt, returned.attempt + 1)}
    )


def _judged(state: StateStore, pending: Pending, now: datetime, settings: Settings) -> StepResult:
    if pending.message.canceled is not None:
        return taken_back(state, pending, now, settings)
    number = state.get(NUMBER, NumberRow) or NumberRow()
    after, step = judge(pending, number, now, settings)
    return with_number(number, after, step)


def _id_reused(request: SendRequest, record: InputRecord, now: datetime) -> StepResult:
    reason = f"message id {request.message_id} was used before for another text: send it under an id of its own"
    return StepResult(publish=(build_dead_letter("gate", record, now, "id_reused", reason),))


def _place(record: InputRecord) -> Evidence:
    return Evidence(topic=record.topic, partition=record.partition, offset=record.offset)
