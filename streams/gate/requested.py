"""Requests, and orders that came back."""

from __future__ import annotations

from datetime import datetime

from schemas.base import Evidence
from schemas.own_kind import OwnKind
from schemas.returned import Returned
from schemas.send_request import SendRequest
from streams.gate.asked import ask_came_back
from streams.gate.cancel import taken_back
from streams.gate.crowded import waits_for_room
from streams.gate.follow import Pending
from streams.gate.identity import fingerprint
from streams.gate.judge import judge
from streams.gate.limits import WORDS_AT_MOST
from streams.gate.own import is_ours
from streams.gate.release import with_number
from streams.gate.rows import NUMBER, MessageRow, NumberRow, message_row
from streams.gate.waits import wait_of
from streams.set_aside import set_aside
from streams.step import NOTHING, Fact, Rows, Settings, Step


def on_request(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """Judge it, once.  The same id with the same number and text is a repeat and changes nothing; with another text
    it is set aside as `id_reused`, for a second decision under that id would garble the first one's outcome."""
    request: SendRequest = fact.value
    if _words(request) > WORDS_AT_MOST:
        return Step(
            publish=(set_aside("gate", fact, now, "too_large", "a field holds a file, not a word"),)
        )
    if is_ours(request.message_id):
        return Step(
            publish=(
                set_aside("gate", fact, now, "id_reserved", "only Sayso gives ids of this form"),
            )
        )
    print_ = fingerprint(request)
    known = rows.get(message_row(request.message_id), MessageRow)
    if known is not None and known.fingerprint:
        return NOTHING if known.fingerprint == print_ else _id_reused(request, fact, now)
    return _judged(
        rows, Pending(request, _new(request, print_, known, now), _place(fact)), now, settings
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


def on_returned(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """Judge it afresh: consent may have changed, its time may be past.  Only the order that is out now counts; an
    older one, or one that came back already, changes nothing."""
    returned: Returned = fact.value
    order = returned.order
    message = rows.get(message_row(order.message_id), MessageRow)
    if message is None:
        reason = "an order came back that the gate no longer knows"
        return Step(publish=(set_aside("gate", fact, now, "unknown_order", reason),))
    if message.request is None or message.issued_at != order.issued_at:
        return NOTHING
    request = message.request.model_copy(update={"body": order.body})
    pending = Pending(request, _reported(message, returned), _place(fact))
    wait = wait_of(returned, now)
    if message.canceled is not None:
        return _judged(rows, pending, now, settings)
    if order.kind == OwnKind.CONSENT_ASK:
        return ask_came_back(rows, pending, wait, now, settings)
    return (
        waits_for_room(rows, pending, wait, now, settings)
        if wait
        else _judged(rows, pending, now, settings)
    )


def _reported(message: MessageRow, returned: Returned) -> MessageRow:
    """The next order may go to another sender, which knows nothing of the attempts here."""
    return message.model_copy(
        update={"next_attempt": max(message.next_attempt, returned.attempt + 1)}
    )


def _judged(rows: Rows, pending: Pending, now: datetime, settings: Settings) -> Step:
    if pending.message.canceled is not None:
        return taken_back(rows, pending, now, settings)
    number = rows.get(NUMBER, NumberRow) or NumberRow()
    after, step = judge(pending, number, now, settings)
    return with_number(number, after, step)


def _id_reused(request: SendRequest, fact: Fact, now: datetime) -> Step:
    reason = f"message id {request.message_id} was used before for another text: send it under an id of its own"
    return Step(publish=(set_aside("gate", fact, now, "id_reused", reason),))


def _place(fact: Fact) -> Evidence:
    return Evidence(topic=fact.topic, partition=fact.partition, offset=fact.offset)
