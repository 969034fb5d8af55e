"""Somebody wants a number to be asked for opt-in, and what became of a request that went out."""

from __future__ import annotations

from typing import Final

from schemas.consent import ConsentSource
from schemas.decision import Decision, Verdict
from schemas.send_request import SystemKind
from schemas.tenant_settings import TenantSettings
from streams.gate import opt_in_state
from streams.gate.consent_claims import Claim
from streams.gate.consent_log import log_claim
from streams.gate.consent_state import ClaimResult, missing_evidence
from streams.gate.evaluation import evaluate_request
from streams.gate.messages import is_system_message_id
from streams.gate.opt_in_request import draft_request
from streams.gate.state import OptInStatus, StepBuilder

NO_SETTINGS: Final = "this tenant has no settings: apply them first"


def on_manual_request(step: StepBuilder, claim: Claim) -> None:
    """Staff ask.  It is refused with the time left, or sent; the log has the answer under the
    event's id."""
    tenant = step.settings.tenants.get(step.tenant_id)
    why_not = (
        opt_in_state.why_not_now(step.number, step.now, tenant.zone) if tenant else NO_SETTINGS
    )
    if tenant is None or why_not:
        log_claim(step, claim, ClaimResult(step.number, False, why_not))
        return
    decision = _request(step, claim, tenant)
    if opt_in_state.opt_in_requests(step.number).last is not OptInStatus.OUT:
        # One that went out has logged itself.
        log_claim(step, claim, ClaimResult(step.number, False, _why_not_sent(decision)))


def _why_not_sent(decision: Decision) -> str:
    found = "; ".join(f"{one.reason}: {one.next_step}" for one in decision.findings)
    return f"{'it waits' if decision.verdict is Verdict.HOLD else 'not asked'}: {found}"


def on_web_form(step: StepBuilder, claim: Claim) -> None:
    """Anybody may have typed the number into a web form: whoever has it is asked, once."""
    log_claim(step, claim, ClaimResult(step.number, False, missing_evidence(step.number, claim)))
    tenant = step.settings.tenants.get(step.tenant_id)
    if tenant is None or opt_in_state.why_not_now(step.number, step.now):
        return
    if opt_in_state.may_ask_automatically(step.number, step.now):
        _request(step, claim, tenant)


def _request(step: StepBuilder, claim: Claim, tenant: TenantSettings) -> Decision:
    pending = draft_request(
        tenant,
        step.number,
        phone=step.phone,
        sender=claim.sender,
        cause=claim.cause,
        now=step.now,
    )
    step.number = opt_in_state.start(step.number)
    decision = evaluate_request(step, pending._replace(claim=claim))
    assert decision is not None, "a new request never waits as before"
    return decision


def on_request_failed(step: StepBuilder, claim: Claim) -> None:
    """It has reached nobody: the clock is free.  A report of another request than the last
    changes nothing."""
    requests = opt_in_state.opt_in_requests(step.number)
    if (
        claim.source != ConsentSource.CARRIER
        or not is_system_message_id(
            claim.message_id or "",
            SystemKind.CONSENT_ASK,
            step.tenant_id,
            step.phone,
            requests.count,
        )
        or requests.last is not OptInStatus.OUT
    ):
        reason = "not the opt-in request that is out"
        log_claim(step, claim, ClaimResult(step.number, False, reason))
        return
    reason = "the opt-in request failed: another may go at once, by hand"
    number = opt_in_state.set_status(step.number, OptInStatus.FAILED)
    log_claim(step, claim, ClaimResult(number, True, reason))
