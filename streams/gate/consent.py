"""What a consent record leads to: an entry in the log, Stops for dispatch, a reply, and the
release of what waits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from typing import Final

from schemas.consent import ConsentAction, ConsentSource, ConsentState
from schemas.tenant_settings import StopScope
from schemas.topics import REPLIES, REQUEST_CANCELS
from streams.dedup import dedup_name, forget_at, is_duplicate
from streams.gate.auto_replies import on_help, on_text, send_confirmation
from streams.gate.consent_claims import (
    Claim,
    claim_from_event,
    claim_from_reply,
    claim_from_unreadable,
    classify,
)
from streams.gate.consent_log import log_claim
from streams.gate.consent_state import TAKES_AWAY, ClaimResult, apply_claim, block
from streams.gate.consent_status import publish_held_count
from streams.gate.evaluation import reevaluate_all
from streams.gate.opt_in_events import on_manual_request, on_request_failed, on_web_form
from streams.gate.refused_claims import block_meant, find_refusal, is_only_unset
from streams.gate.revocation_question import open_question, opt_out_unanswered
from streams.gate.state import HELD, NUMBER, ProcessedClaim, StepBuilder
from streams.gate.stop_controls import publish_recalls, publish_stops
from streams.gate.unmonitored import on_unmonitored
from streams.inbound_keywords import Meaning
from streams.processing import InputRecord

_NUMBER_KEY: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._:@-]{0,127})/(\+[0-9]{3,15})")
"""An unreadable record's key may be anything; only a tenant's number can be blocked."""

_MAY_BE_MEANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}/.{1,64}")
"""A tenant's name, and something that may be a number."""

ID_REUSED: Final = (
    "this event id was used before for something else: give each event an id of its own"
)


def on_consent_event(step: StepBuilder, record: InputRecord) -> None:
    """A repeat, by event id, changes nothing.

    Another claim under a used id is refused, in the log.  But what takes consent away counts,
    whatever id its producer gives it."""
    claim = claim_from_event(record)
    if claim.only_if_known and claim.action == ConsentAction.UNREADABLE and not _is_known(step):
        return
    if _refuse(step, record, claim):
        return
    name = dedup_name("ev", claim.event_id)
    content = _content(claim)
    known = step.store.get(name, ProcessedClaim)
    if known is None:
        _process(step, name, claim, content)
    elif known.content in ("", content):
        return
    elif claim.action not in TAKES_AWAY:
        log_claim(step, claim, ClaimResult(step.number, False, ID_REUSED))
    else:
        name = dedup_name("ev", f"{claim.event_id} {content}")
        if not is_duplicate(step.store, name):
            _process(step, name, claim)


def _content(claim: Claim) -> str:
    """Tells a repeat from another claim under the same id.

    An opt-out at another time is another one; but outcomes may report a carrier's block again,
    later."""
    if claim.action not in TAKES_AWAY or claim.source == ConsentSource.CARRIER:
        return claim.action
    return f"{claim.action} {claim.claimed_at.isoformat()}"


def on_reply(step: StepBuilder, record: InputRecord) -> None:
    """Act on keywords and revocations, once by the provider's id; any other text is for people
    to read."""
    tenant = step.settings.tenants.get(record.value.tenant)
    sender = step.settings.senders.get(record.value.sender)
    answer = classify(record, step.number, tenant)
    claim = claim_from_reply(record, answer, step.number, sender)
    if claim is None:
        if tenant is not None and answer.meaning is Meaning.HELP:
            on_help(step, record, tenant)
        elif tenant is not None and answer.meaning is Meaning.NONE:
            on_text(step, record, tenant)
            on_unmonitored(step, record, tenant)
        return
    if _refuse(step, record, claim):
        return
    name = dedup_name("in", claim.event_id)
    if not is_duplicate(step.store, name):
        _process(step, name, claim)


def on_unreadable(step: StepBuilder, record: InputRecord) -> None:
    """It may have been a STOP, unless it is on the topic of cancellations.

    Its key may be any text, and another writing than that of the number."""
    if record.topic == REQUEST_CANCELS.name:
        return
    if _NUMBER_KEY.fullmatch(step.store.entity_key) and step.is_identity:
        _block(step, claim_from_unreadable(record))
    if _MAY_BE_MEANT.fullmatch(step.store.entity_key) and find_refusal(step) is not None:
        block_meant(step, record)


def _refuse(step: StepBuilder, record: InputRecord, claim: Claim) -> bool:
    """Whether it can be about nobody, or for nobody: then it is a dead letter."""
    refusal = find_refusal(step)
    if refusal is None:
        return False
    if record.topic == REPLIES.name and claim.action in TAKES_AWAY and is_only_unset(refusal):
        return False  # our own sender names the tenant: a STOP to it is one, whatever its settings
    step.reject_record(record, *refusal)
    if claim.action in TAKES_AWAY:
        if _NUMBER_KEY.fullmatch(step.store.entity_key):  # that tenant, that number, may come
            _block(step, claim._replace(action=ConsentAction.UNREADABLE))
        block_meant(step, record, claim)
    return True


def _process(step: StepBuilder, name: str, claim: Claim, content: str = "") -> None:
    latest_ms = max(step.number.latest_ms, claim.at_ms)
    step.number = step.number.model_copy(update={"latest_ms": latest_ms})
    _select_handler(claim)(step, claim)
    forget = forget_at(step.now, for_good=claim.action == ConsentAction.OPT_IN)
    step.put(name, ProcessedClaim(at_ms=claim.at_ms, content=content), forget)


def _select_handler(claim: Claim) -> Callable[[StepBuilder, Claim], None]:
    if claim.source == ConsentSource.WEB_FORM and claim.action == ConsentAction.OPT_IN:
        return on_web_form
    return _HANDLERS.get(claim.action, _change_consent)


def _block(step: StepBuilder, claim: Claim) -> None:
    """Whoever says so: to block is the safe side."""
    result = block(step.number, claim)
    log_claim(step, claim, result)
    publish_stops(step, result.stop_at, result.number.epoch)


def _put_in_question(step: StepBuilder, claim: Claim) -> None:
    """Whoever says so: to wait is the safe side."""
    tenant = step.settings.tenants.get(step.tenant_id)
    result = open_question(step.number, claim, tenant.zone if tenant else UTC)
    log_claim(step, claim, result)
    if result.applied:
        publish_recalls(step, result.recall_at, result.number.epoch)
        reevaluate_all(step, claim.cause)


def on_number_timer(step: StepBuilder, name: str) -> None:
    """The count of held texts is published, or nobody has answered a question in time."""
    publish_held_count(step)
    question = step.number.question
    if question is None:
        return
    if step.now < question.opt_out_at:
        step.timers[NUMBER] = question.opt_out_at
        return
    claim, result = opt_out_unanswered(step.number)
    log_claim(step, claim, result)
    publish_stops(step, result.stop_at, result.number.epoch)
    reevaluate_all(step, claim.cause)


def _is_known(step: StepBuilder) -> bool:
    """Whether the tenant has anything to do with this number."""
    number = step.number
    return bool(
        step.has_unjoined  # another writing may know it
        or number.senders
        or number.log_seq
        or number.state is not ConsentState.NONE
        or any(step.store.names(HELD))
    )


_HANDLERS: Final[dict[str, Callable[[StepBuilder, Claim], None]]] = {
    ConsentAction.ASK: on_manual_request,
    ConsentAction.ASK_FAILED: on_request_failed,
    ConsentAction.UNREADABLE: _block,
    ConsentAction.MAYBE_REVOKED: _put_in_question,
}


def _change_consent(step: StepBuilder, claim: Claim) -> None:
    """Somebody opts in or out, or resolves an unreadable record."""
    result = apply_claim(step.number, claim, _scope(step, claim))
    log_claim(step, claim, result)
    if not result.applied:
        return
    publish_stops(step, result.stop_at, result.number.epoch)
    send_confirmation(step, claim)
    reevaluate_all(step, claim.cause)


def _scope(step: StepBuilder, claim: Claim) -> StopScope:
    """As the tenant wants it, if the claim names a sender of the tenant's.

    A form may name a wrong sender: a stop of that one alone would stop nothing."""
    name = step.tenant_id
    tenant = step.settings.tenants.get(name)
    if tenant is None:
        return StopScope.TENANT
    sender = step.settings.senders.get(claim.sender or "")
    if (
        claim.source == ConsentSource.INBOUND
        or claim.sender in step.number.senders
        or (sender is not None and name in sender.tenants)
    ):
        return tenant.stop_scope
    return StopScope.TENANT
