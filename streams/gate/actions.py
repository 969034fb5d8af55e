"""Requests on their way through the gate, and what follows from a verdict: an order for dispatch, a
request that waits, or an end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.base import Evidence
from schemas.blank_text import is_blank
from schemas.decision import Verdict
from schemas.inbound import Contact
from schemas.person import PersonAnswer
from schemas.send import Priority, Send
from schemas.send_request import SendRequest, SystemKind
from schemas.tenant_settings import TenantSettings
from schemas.text_hash import sha256_hex
from schemas.topics import CONTACTS, DISPATCH_ORDERS, PERSON_ANSWERS
from streams.dedup import RETENTION
from streams.gate import messages
from streams.gate.consent_claims import Claim
from streams.gate.rule_context import RuleContext
from streams.gate.rules import Evaluation
from streams.gate.send_window import closing_time, record_send
from streams.gate.state import (
    ApprovedBy,
    HeldRequest,
    MessageState,
    NumberState,
    StepBuilder,
    hold_name,
    message_name,
    to_ms,
)
from streams.reasons import hold_deadline

ORDER_LIFE: Final = timedelta(hours=36)
"""An order that has not left by then comes back to be evaluated.  That is time for a night's
queue, and well before dispatch, which remembers ids for 72 h, returns it by itself (48 h)."""

OPT_IN_REQUEST_LIFE: Final = timedelta(hours=1)
"""An opt-in request that has not left by then comes back and is issued again.  So the 24 hours
are those between the texts and not only between the orders."""


class PendingRequest(NamedTuple):
    """A request to evaluate."""

    request: SendRequest
    message: MessageState
    cause: Evidence
    """The record that makes us evaluate it, now or again."""
    held: HeldRequest | None = None
    """How it waited."""
    claim: Claim | None = None
    """Who asked for it, if it is an opt-in request."""


def build_system_request(
    kind: SystemKind,
    ordinal: int,
    tenant: TenantSettings,
    body: str,
    *,
    phone: str,
    sender: str | None,
    cause: Evidence,
    now: datetime,
    **others: Any,
) -> PendingRequest:
    """A text that Sayso sends by itself.

    `ordinal` counts the texts of this kind to this number, so that a repeat gets the same id."""
    request = SendRequest(
        message_id=messages.system_message_id(kind, tenant.tenant, phone, ordinal),
        tenant=tenant.tenant,
        to=phone,
        sender=sender,
        body=body,
        kind=kind,
        requested_at=now,
        requested_by=messages.SYSTEM,
        **others,
    )
    message = MessageState(fingerprint=messages.fingerprint(request), received=now, is_system=True)
    return PendingRequest(request, message, cause)


def issue_order(
    step: StepBuilder, context: RuleContext, pending: PendingRequest, size: int
) -> None:
    """Order dispatch to send it.  The request stays, without its text: the order may come back."""
    request = context.request
    message = pending.message
    order = Send(
        message_id=request.message_id,
        tenant=request.tenant,
        to=context.to,
        sender=context.sender,
        body=request.body,
        kind=request.kind,
        case_id=request.case_id,
        lane=_find_priority(context),
        segments=size,
        consent_epoch=context.number.epoch,
        not_before=request.not_before,
        send_before=_send_before(context),
        issued_at=context.now,
        attempt=message.next_attempt,
    )
    sent = MessageState(
        fingerprint=message.fingerprint,
        seq=message.seq + 1,
        verdict=Verdict.SEND,
        received=message.received,
        is_system=message.is_system,
        approved=message.approved,
        issued_at=context.now,
        sender=context.sender,
        request=request.model_copy(update={"body": ""}),
        next_attempt=message.next_attempt,
        requested_sha256=_requested_sha256(context, pending),
    )
    _write(step, pending, sent, step.now + RETENTION)
    step.publish(DISPATCH_ORDERS, order)
    _publish_contact(step, context)
    step.number = _record_hand(record_send(_record_sender(context), context), context)


def _find_priority(context: RuleContext) -> Priority:
    priorities = messages.SYSTEM_PRIORITIES if context.is_system else messages.PRIORITIES
    return priorities[context.request.kind]


def _send_before(context: RuleContext) -> datetime:
    """A verdict does not outlive its hour."""
    end = context.now + (OPT_IN_REQUEST_LIFE if context.is_system else ORDER_LIFE)
    valid_until = context.request.valid_until
    if valid_until is not None:
        end = min(end, valid_until)
    closing = closing_time(context)
    return end if closing is None else min(end, closing)


def _requested_sha256(context: RuleContext, pending: PendingRequest) -> str:
    """It comes back as smart encoding has changed it; staff see, and approve, the text that was
    requested."""
    body = pending.request.body
    if pending.message.requested_sha256 or context.request.body == body:
        return pending.message.requested_sha256
    return sha256_hex(body)


def _publish_contact(step: StepBuilder, context: RuleContext) -> None:
    """A STOP counts for whose text is queued as well.

    The inbox learns of every order from a shared sender.  Of any other it learns once, and dispatch
    tells nothing of it: such a text counts as one that leaves now, but an opt-in request does not.
    """
    is_shared = bool(context.senders[context.sender].shared_by)
    is_known = context.sender in context.number.senders
    if is_known and not context.is_opt_in_request and not is_shared:
        return
    contact = Contact(
        sender=context.sender,
        number=context.to,
        tenant=context.request.tenant,
        asked=context.is_opt_in_request,
        queued=(is_shared or context.is_opt_in_request) or None,
        at=context.now,
    )
    step.publish(CONTACTS, contact)


def _record_sender(context: RuleContext) -> NumberState:
    number = context.number
    sender = context.sender
    if sender == number.sender:
        return number
    senders = number.senders if sender in number.senders else (*number.senders, sender)
    return number.model_copy(update={"senders": senders, "sender": sender})


def _record_hand(number: NumberState, context: RuleContext) -> NumberState:
    """No automatic answer comes between a person's texts."""
    if is_blank(context.request.written_by):
        return number
    return number.model_copy(update={"by_hand_ms": to_ms(context.now)})


def hold_request(
    step: StepBuilder, context: RuleContext, evaluation: Evaluation, pending: PendingRequest
) -> None:
    message = pending.message
    waiting = MessageState(
        fingerprint=message.fingerprint,
        seq=message.seq + 1,
        received=message.received,
        is_system=message.is_system,
        approved=message.approved,
        next_attempt=message.next_attempt,
        requested_sha256=message.requested_sha256,
        undo_until=message.undo_until,
    )
    held = HeldRequest(
        request=pending.request,
        evidence=pending.held.evidence if pending.held else pending.cause,
        rules=evaluation.rules,
        until=evaluation.until,
    )
    step.put(message_name(pending.request.message_id), waiting, None)
    step.put(hold_name(pending.request.message_id), held, hold_ends_at(context, evaluation))
    step.number = context.number


def hold_ends_at(context: RuleContext, evaluation: Evaluation) -> datetime:
    """When the clock alone changes it: a hold is over, or it has waited for too long."""
    request = context.request
    end = hold_deadline(context.received, request.not_before, request.valid_until)
    undo_until = context.undo_until if context.can_be_undone else None
    return min(one for one in (end, evaluation.until, undo_until) if one is not None)


def end_request(
    step: StepBuilder, context: RuleContext, evaluation: Evaluation, pending: PendingRequest
) -> None:
    message = pending.message
    deciding = (one.rule for one in evaluation.findings if one.verdict is evaluation.verdict)
    ended = MessageState(
        fingerprint=message.fingerprint,
        seq=message.seq + 1,
        verdict=evaluation.verdict,
        received=message.received,
        is_system=message.is_system,
        ended_by=next(deciding, ""),
        settled=_find_who_ended(message),
    )
    _write(step, pending, ended, step.now + RETENTION)
    step.number = context.number


def _find_who_ended(message: MessageState) -> ApprovedBy | None:
    if message.settled is not None or message.canceled is None:
        return message.settled
    return ApprovedBy(by=message.canceled.by, at=message.canceled.at)


def _write(
    step: StepBuilder, pending: PendingRequest, message: MessageState, forget_at: datetime
) -> None:
    """What is decided waits no longer."""
    identity = pending.request.message_id
    step.put(message_name(identity), message, forget_at)
    if pending.held is not None:
        step.put(hold_name(identity), None, None)


def publish_person_update(
    step: StepBuilder, pending: PendingRequest, verdict: Verdict, *, may_have_left: bool = False
) -> None:
    """Tell the people processor what became of a request that it has issued."""
    request = pending.request
    if request.resolved is None:
        return
    canceled = pending.message.canceled
    update = PersonAnswer(
        tenant=request.tenant,
        person_id=request.resolved.person_id,
        request_id=request.resolved.request_id,
        message_id=request.message_id,
        verdict=verdict,
        by=canceled.by if canceled else "",
        may_have_left=may_have_left,
        at=step.now,
    )
    step.publish(PERSON_ANSWERS, update)
