"""The opt-in request: when one is made, what it says, and what follows from its verdict.

It is a system message, evaluated by the same rules as any text: at night it waits, a forbidden
country rejects it.
"""

from __future__ import annotations

from typing import Final

from schemas.consent import ConsentAction, ConsentChange
from schemas.decision import Verdict
from schemas.send_request import SendRequest, SystemKind
from schemas.tenant_settings import TenantSettings
from streams.gate.consent_log import append
from streams.gate.messages import SYSTEM, body_sha256, system_message_id
from streams.gate.opt_in_state import (
    REPEAT_AFTER,
    may_ask_automatically,
    opt_in_requests,
    set_status,
)
from streams.gate.pending_requests import PendingRequest, SystemMessage, build_system_request
from streams.gate.rule_context import RuleContext
from streams.gate.rules import Evaluation
from streams.gate.state import NumberState, OptInStatus, StepBuilder
from streams.reasons import NOT_OPTED_IN, format_time

STATUS: Final = {Verdict.SEND: OptInStatus.OUT, Verdict.HOLD: OptInStatus.WAITING}
"""By verdict; any other has ended it."""


def should_request(context: RuleContext, evaluation: Evaluation) -> bool:
    """The text waits, at least for consent, and nobody has asked yet."""
    return (
        evaluation.verdict is Verdict.HOLD
        and not context.is_system
        and may_ask_automatically(context.number, context.now)
        and NOT_OPTED_IN.rule in evaluation.rules
    )


def build_request(context: RuleContext, waiting: PendingRequest) -> PendingRequest:
    """The opt-in request that goes ahead of a text that waits for consent."""
    assert context.tenant is not None
    request = context.request
    text = draft_request(context.tenant, context.to, context.number, request.sender)
    text = text._replace(
        branch=request.branch, time_zone=request.time_zone, postal_region=request.postal_region
    )
    return build_system_request(text, waiting.cause, context.now)


def draft_request(
    tenant: TenantSettings, phone: str, number: NumberState, sender: str | None
) -> SystemMessage:
    """The next opt-in request of this number, as it was before the request; without a sender it
    gets one as any text does."""
    return SystemMessage(
        SystemKind.CONSENT_ASK,
        opt_in_requests(number).count + 1,
        tenant.tenant,
        phone,
        sender,
        tenant.opt_in_request,
    )


def is_last_request(number: NumberState, request: SendRequest) -> bool:
    count = opt_in_requests(number).count
    return request.message_id == system_message_id(
        SystemKind.CONSENT_ASK, request.tenant, request.number, count
    )


def record_outcome(
    step: StepBuilder, context: RuleContext, verdict: Verdict, pending: PendingRequest
) -> None:
    """Keep an opt-in request's status; log one that goes out, with its wording."""
    if not is_last_request(context.number, context.request):
        return
    status = STATUS.get(verdict, OptInStatus.FAILED)
    if status is not OptInStatus.OUT:
        step.number = set_status(step.number, status)
        return
    number = set_status(step.number, status, context.now)
    append(step, number, _build_entry(context, pending, number))


def _build_entry(
    context: RuleContext, pending: PendingRequest, number: NumberState
) -> ConsentChange:
    assert context.tenant is not None
    request = context.request
    claim = pending.claim
    is_repeat = pending.message.seq > 0 and pending.message.issued_at is not None
    what = "issued again, for it could not leave in time" if is_repeat else "asked"
    wording = {
        "wording": request.body,
        "wording_version": context.tenant.consent_request.version,
        "wording_sha256": body_sha256(request.body),
    }
    evidence = claim.evidence if claim else pending.cause
    return ConsentChange(
        tenant=request.tenant,
        number=context.to,
        sender=context.sender,
        event_id=claim.event_id if claim else request.message_id,
        action=ConsentAction.ASK,
        source=claim.source if claim else SYSTEM,
        was=context.number.state,
        now=number.state,
        applied=not is_repeat,
        reason=f"{what}: the next may go {format_time(context.now + REPEAT_AFTER, context.tenant.zone)}",
        consent_epoch=number.epoch,
        claimed_at=claim.claimed_at if claim else request.requested_at,
        at=context.now,
        evidence=evidence.model_copy(update=wording),
    )
