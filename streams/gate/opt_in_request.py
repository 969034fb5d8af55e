"""The opt-in request: when one is made, what it says, and what follows from its verdict.

It is a system message, evaluated by the same rules as any text: at night it waits, a forbidden
country rejects it.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.consent import ConsentAction, ConsentChange
from schemas.decision import Verdict
from schemas.send_request import CancelSource, SendRequest, SystemKind
from schemas.tenant_settings import TenantSettings
from schemas.text_hash import sha256_hex
from streams.gate import opt_in_state
from streams.gate.actions import PendingRequest, build_system_request
from streams.gate.consent_log import append
from streams.gate.messages import SYSTEM, is_system_message_id
from streams.gate.rule_context import RuleContext
from streams.gate.rules import Evaluation
from streams.gate.state import NumberState, OptInStatus, StepBuilder
from streams.reasons import NOT_OPTED_IN, format_time

STATUS: Final = {Verdict.SEND: OptInStatus.OUT, Verdict.HOLD: OptInStatus.WAITING}
"""By verdict; any other has ended it."""


def should_request(context: RuleContext, evaluation: Evaluation) -> bool:
    """The text waits, at least for consent, and nobody has asked yet.  One that may still be
    withdrawn asks nobody, nor does one in test mode."""
    return (
        evaluation.verdict is Verdict.HOLD
        and not context.can_be_undone
        and not context.request.test_mode
        and not context.is_system
        and opt_in_state.may_ask_automatically(context.number, context.now)
        and NOT_OPTED_IN.rule in evaluation.rules
    )


def build_request(context: RuleContext, waiting: PendingRequest) -> PendingRequest:
    """The opt-in request that goes ahead of a text that waits for consent."""
    assert context.tenant is not None
    request = context.request
    return draft_request(
        context.tenant,
        context.number,
        phone=context.to,
        sender=request.sender,
        cause=waiting.cause,
        now=context.now,
        branch=request.branch,
        time_zone=request.time_zone,
        postal_region=request.postal_region,
    )


def draft_request(tenant: TenantSettings, number: NumberState, **others: Any) -> PendingRequest:
    """The next opt-in request; `number` is as before it.  Without a sender it gets one as any text
    does."""
    ordinal = opt_in_state.opt_in_requests(number).count + 1
    return build_system_request(
        SystemKind.CONSENT_ASK, ordinal, tenant, tenant.opt_in_request, **others
    )


def is_last_request(number: NumberState, request: SendRequest) -> bool:
    count = opt_in_state.opt_in_requests(number).count
    return is_system_message_id(
        request.message_id, SystemKind.CONSENT_ASK, request.tenant, request.number, count
    )


def record_outcome(
    step: StepBuilder, context: RuleContext, verdict: Verdict, pending: PendingRequest
) -> None:
    """Keep an opt-in request's status; log one that goes out, with its wording."""
    if not is_last_request(context.number, context.request):
        return
    canceled = pending.message.canceled
    if canceled is not None and canceled.by == CancelSource.OUTCOMES:
        # It came back as unsent, and had reached them all the same: the day begins anew.
        step.number = opt_in_state.set_status(step.number, OptInStatus.OUT, context.now)
        return
    status = STATUS.get(verdict, OptInStatus.FAILED)
    if status is not OptInStatus.OUT:
        step.number = opt_in_state.set_status(step.number, status)
        return
    number = opt_in_state.set_status(step.number, status, context.now)
    append(step, number, _build_entry(context, pending, number))


def _build_entry(
    context: RuleContext, pending: PendingRequest, number: NumberState
) -> ConsentChange:
    assert context.tenant is not None
    request = context.request
    claim = pending.claim
    is_repeat = pending.message.seq > 0 and pending.message.issued_at is not None
    what = "issued again, for it could not leave in time" if is_repeat else "asked"
    free = context.now + opt_in_state.REPEAT_AFTER
    wording = {
        "wording": request.body,
        "wording_version": context.tenant.consent_request.version,
        "wording_sha256": sha256_hex(request.body),
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
        reason=f"{what}: the next may go {format_time(free, context.tenant.zone)}",
        consent_epoch=number.epoch,
        claimed_at=claim.claimed_at if claim else request.requested_at,
        at=context.now,
        evidence=evidence.model_copy(update=wording),
    )
