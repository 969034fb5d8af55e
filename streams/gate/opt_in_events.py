"""Somebody wants a number to be asked for opt-in, and what became of a request that went out."""

from __future__ import annotations

from typing import Final

from schemas.consent import ConsentSource
from schemas.decision import Decision, Finding, Verdict
from schemas.send_request import SystemKind
from schemas.tenant_settings import TenantSettings
from streams.gate.consent_claims import Claim
from streams.gate.consent_log import log_claim
from streams.gate.consent_state import ClaimResult, missing_evidence
from streams.gate.evaluation import apply_evaluation, evaluate_request, reevaluate_all
from streams.gate.messages import system_message_id
from streams.gate.opt_in_request import draft_request, is_last_request
from streams.gate.opt_in_state import (
    decrement_unanswered,
    mark_returned,
    may_ask_automatically,
    opt_in_requests,
    set_status,
    start,
    why_not_now,
)
from streams.gate.pending_requests import PendingRequest, build_system_request
from streams.gate.return_reasons import Wait
from streams.gate.rules import Evaluation
from streams.gate.state import OptInStatus, StepBuilder
from streams.rule_names import RuleName

NO_SETTINGS: Final = "this tenant has no settings: apply them first"
REPLACED: Final = Finding(
    rule=RuleName.REPLACED,
    verdict=Verdict.CANCEL,
    reason="A later opt-in request has taken its place",
    next_step="nothing",
)


def on_manual_request(step: StepBuilder, claim: Claim) -> None:
    """Staff ask.  It is refused with the time left, or sent; the log has the answer under the
    event's id."""
    tenant = step.settings.tenants.get(step.tenant_id)
    why_not = why_not_now(step.number, step.now, tenant.zone) if tenant else NO_SETTINGS
    if tenant is None or why_not:
        log_claim(step, claim, ClaimResult(step.number, False, why_not))
        return
    decision = _request(step, claim, tenant)
    if opt_in_requests(step.number).last is not OptInStatus.OUT:
        # One that went out has logged itself.
        log_claim(step, claim, ClaimResult(step.number, False, _why_not_sent(decision)))


def _why_not_sent(decision: Decision) -> str:
    found = "; ".join(f"{one.reason}: {one.next_step}" for one in decision.findings)
    return f"{'it waits' if decision.verdict is Verdict.HOLD else 'not asked'}: {found}"


def on_web_form(step: StepBuilder, claim: Claim) -> None:
    """Anybody may have typed the number into a web form: whoever has it is asked, once."""
    log_claim(step, claim, ClaimResult(step.number, False, missing_evidence(step.number, claim)))
    tenant = step.settings.tenants.get(step.tenant_id)
    if tenant is None or why_not_now(step.number, step.now):
        return
    if may_ask_automatically(step.number, step.now):
        _request(step, claim, tenant)


def _request(step: StepBuilder, claim: Claim, tenant: TenantSettings) -> Decision:
    text = draft_request(tenant, step.phone, step.number, claim.sender)
    pending = build_system_request(text, claim.cause, step.now)._replace(claim=claim)
    step.number = start(step.number)
    decision = evaluate_request(step, pending)
    assert decision is not None, "a new request never waits as before"
    return decision


def on_request_failed(step: StepBuilder, claim: Claim) -> None:
    """It has reached nobody: the clock is free.  A report of another request than the last
    changes nothing."""
    requests = opt_in_requests(step.number)
    current = system_message_id(SystemKind.CONSENT_ASK, step.tenant_id, step.phone, requests.count)
    if (
        claim.source != ConsentSource.CARRIER
        or claim.message_id != current
        or requests.last is not OptInStatus.OUT
    ):
        reason = "not the opt-in request that is out"
        log_claim(step, claim, ClaimResult(step.number, False, reason))
        return
    reason = "the opt-in request failed: another may go at once, by hand"
    number = set_status(step.number, OptInStatus.FAILED)
    log_claim(step, claim, ClaimResult(number, True, reason))


def on_request_returned(step: StepBuilder, pending: PendingRequest, wait: Wait | None) -> None:
    """Dispatch has not sent it, so it has reached nobody.

    If it has to wait, for room in the tenant's budget for example, the texts that wait for its
    reply say so."""
    if not is_last_request(step.number, pending.request):
        # It lay at dispatch for so long that another was made: both together would be two in a day.
        step.number = decrement_unanswered(step.number)
        apply_evaluation(step, pending, Evaluation(Verdict.CANCEL, (REPLACED,)))
        return
    until, rule = (wait.until, wait.why.rule) if wait else (None, "")
    step.number = mark_returned(step.number, until, rule)
    evaluate_request(step, pending)
    if wait is not None:
        reevaluate_all(step, pending.cause)
