"""Staff approve or reject what waits, or have it evaluated again.

An approval is what one rule waits for (`check_awaiting_approval`); all other rules evaluate the
text again.  It names the hash of the text that was seen, whoever gives it.  Where the tenant wants
four eyes, nobody approves what they have asked for themselves.  The gate reads approvals with
requests, after consent: a STOP that is there already has ended what would be approved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Final, NamedTuple

from schemas.approval import Approval, ApprovalAction, ApprovalAnswer
from schemas.base import Evidence
from schemas.consent import ConsentState
from schemas.decision import Decision, Verdict
from schemas.numbers import e164
from schemas.text_hash import sha256_hex
from schemas.topics import APPROVAL_LOG
from streams import reasons
from streams.dedup import RETENTION, DedupEntry, dedup_name, is_duplicate
from streams.gate.actions import PendingRequest
from streams.gate.evaluation import apply_evaluation, evaluate_request
from streams.gate.rule_context import build_context
from streams.gate.rules import Evaluation
from streams.gate.rules.tenant import check_awaiting_approval
from streams.gate.state import (
    ApprovedBy,
    HeldRequest,
    MessageState,
    StepBuilder,
    hold_name,
    message_name,
)
from streams.processing import InputRecord
from streams.reasons import Reason

WORDS_AT_MOST: Final = 200
"""Characters of who it was that are kept."""


class ApprovalContext(NamedTuple):
    """What was said, and the text that it is about."""

    approval: Approval
    message: MessageState | None
    held: HeldRequest | None
    step: StepBuilder

    @property
    def verdict(self) -> Verdict | None:
        return self.message.verdict if self.message else None


def on_approval(step: StepBuilder, record: InputRecord) -> None:
    """A repeat, by approval id, changes nothing; each other one is answered, done or not."""
    approval: Approval = record.value
    name = dedup_name("ap", approval.approval_id)
    if is_duplicate(step.store, name):
        return
    step.put(name, DedupEntry(at_ms=record.at_ms), step.now + RETENTION)
    context = ApprovalContext(
        approval.model_copy(update={"by": approval.by[:WORDS_AT_MOST]}),
        step.store.get(message_name(approval.message_id), MessageState),
        step.store.get(hold_name(approval.message_id), HeldRequest),
        step,
    )
    cause = record.evidence
    if objection := first_objection(context):
        _publish_answer(context, cause, context.verdict, objection, applied=False)
        return
    decision = _apply(context, cause)
    verdict, reason = _describe(context, decision)
    is_alive = verdict in (Verdict.SEND, Verdict.HOLD)
    applied = is_alive or approval.action is ApprovalAction.REJECT
    _publish_answer(context, cause, verdict, reason, applied=applied)


def _apply(context: ApprovalContext, cause: Evidence) -> Decision | None:
    """None: it waits as before."""
    step = context.step
    approval = context.approval
    message = context.message
    held = context.held
    assert message is not None
    assert held is not None
    now_by = ApprovedBy(by=approval.by, at=step.now)
    if approval.action is ApprovalAction.APPROVE:
        message = message.model_copy(update={"approved": now_by})
    elif approval.action is ApprovalAction.REJECT:
        message = message.model_copy(update={"settled": now_by})
    step.entries[message_name(approval.message_id)] = message
    pending = PendingRequest(held.request, message, cause, held)
    if approval.action is not ApprovalAction.REJECT:
        return evaluate_request(step, pending)
    next_step = "nothing; ask for another text if one is wanted"
    reason = Reason(reasons.NOT_APPROVED, f"Rejected by {approval.by}", next_step)
    rejection = Evaluation(Verdict.REJECT, (reason.finding(Verdict.REJECT),))
    return apply_evaluation(step, pending, rejection)


def _describe(context: ApprovalContext, decision: Decision | None) -> tuple[Verdict, Reason]:
    """The text's verdict now, and the finding that decided."""
    if decision is None:
        rules = ", ".join(context.held.rules if context.held else ())
        reason = f"It waits as before: {rules}"
        return Verdict.HOLD, Reason("as_before", reason, "see what it waits for")
    if decision.verdict is Verdict.SEND:
        return decision.verdict, reasons.READY
    deciding = next(one for one in decision.findings if one.verdict is decision.verdict)
    return decision.verdict, Reason(deciding.rule, deciding.reason, deciding.next_step)


def _publish_answer(
    context: ApprovalContext,
    cause: Evidence,
    verdict: Verdict | None,
    reason: Reason,
    *,
    applied: bool,
) -> None:
    approval = context.approval
    before = None if applied else _find_who_settled(context.message)
    answer = ApprovalAnswer(
        approval_id=approval.approval_id,
        tenant=approval.tenant,
        number=e164(approval.number),
        message_id=approval.message_id,
        action=approval.action,
        by=approval.by,
        applied=applied,
        verdict=verdict,
        rule=reason.rule,
        reason=reason.reason,
        next_step=reason.next_step,
        settled_by=before.by if before else None,
        settled_at=before.at if before else None,
        evidence=cause,
        at=context.step.now,
    )
    context.step.publish(APPROVAL_LOG, answer)


# --- objections: why a text cannot be approved, rejected or evaluated again (any more)

UNKNOWN: Final = Reason(
    "unknown_message",
    "No such text waits for this number",
    "look at what waits, and name it as it stands there",
)
ANOTHER_TEXT: Final = Reason(
    "another_text",
    "It has changed since you saw it",
    "look at it again, and approve what is there",
)
CANCELED: Final = Reason("canceled", "It was canceled", "ask again if it is still wanted")
REJECTED: Final = Reason(
    reasons.NOT_APPROVED, "It was rejected", "ask for another text if one is wanted"
)
OWN_TEXT: Final = Reason(
    "own_text",
    "You asked for this text yourself, and this tenant wants somebody else to approve it",
    "let somebody else look at it",
)
WITHDRAWN: Final = Reason(
    reasons.WITHDRAWN, "It was withdrawn", "nothing: whoever sent it does not want it"
)
UNDER_WAY: Final = Reason("under_way", "It is on its way already", "see what became of it")
NOT_NEEDED: Final = Reason(
    "no_approval_needed", "It needs no approval", "see what else it waits for"
)

ENDED_BY_RULE: Final[Mapping[str, Reason]] = {
    reasons.OPTED_OUT.rule: reasons.OPTED_OUT,
    reasons.EXPIRED.rule: reasons.EXPIRED,
    reasons.HELD_TOO_LONG.rule: reasons.HELD_TOO_LONG,
    reasons.NOBODY_APPROVED.rule: reasons.NOBODY_APPROVED,
    REJECTED.rule: REJECTED,
    CANCELED.rule: CANCELED,
    WITHDRAWN.rule: WITHDRAWN,
}
"""What is said of a text that has ended, by the rule that ended it; else by its verdict."""
ENDED_BY_VERDICT: Final[Mapping[Verdict, Reason]] = {
    Verdict.EXPIRE: reasons.EXPIRED,
    Verdict.CANCEL: CANCELED,
}

Objection = Callable[[ApprovalContext], Reason | None]


def first_objection(context: ApprovalContext) -> Reason | None:
    objections = OBJECTIONS[context.approval.action]
    return next((why for check in objections if (why := check(context))), None)


def _is_opted_out(context: ApprovalContext) -> Reason | None:
    return reasons.OPTED_OUT if context.step.number.state is ConsentState.OPTED_OUT else None


def _is_unknown(context: ApprovalContext) -> Reason | None:
    return None if context.message and context.message.fingerprint else UNKNOWN


def _has_ended(context: ApprovalContext) -> Reason | None:
    message = context.message
    if message is None or context.held is not None:
        return None
    if message.canceled is not None:
        return _name_who(context, CANCELED)
    if message.verdict is not Verdict.SEND:
        refused = Reason("refused", f"It was refused: {message.ended_by}", "see why, and ask again")
        ended = (
            ENDED_BY_RULE.get(message.ended_by) or ENDED_BY_VERDICT.get(message.verdict) or refused
        )
        return _name_who(context, ended)
    if message.approved is None:
        return UNDER_WAY
    reason = f"It was approved {_format_who(context, message.approved)}, and is on its way already"
    return UNDER_WAY._replace(reason=reason)


def _find_who_settled(message: MessageState | None) -> ApprovedBy | None:
    """Who was first: what they did stands."""
    if message is None:
        return None
    if message.canceled is not None:
        return ApprovedBy(by=message.canceled.by, at=message.canceled.at)
    return message.settled or message.approved


def _name_who(context: ApprovalContext, reason: Reason) -> Reason:
    who = _find_who_settled(context.message)
    if who is None or not who.by:
        return reason
    return reason._replace(reason=f"{reason.reason} {_format_who(context, who)}")


def _format_who(context: ApprovalContext, who: ApprovedBy) -> str:
    """By the tenant's clock."""
    tenant = context.step.settings.tenants.get(context.approval.tenant)
    return f"by {who.by} at {reasons.format_time(who.at, tenant.zone if tenant else UTC)}"


def _is_own_text(context: ApprovalContext) -> Reason | None:
    """Who asked for it is compared as people write names."""
    tenant = context.step.settings.tenants.get(context.approval.tenant)
    if tenant is None or not tenant.four_eyes:
        return None
    assert context.held is not None
    request = context.held.request
    authors = {
        name.strip().casefold() for name in (request.requested_by, request.written_by) if name
    }
    return OWN_TEXT if context.approval.by.strip().casefold() in authors else None


def _is_another_text(context: ApprovalContext) -> Reason | None:
    """Staff saw it as it was requested or, if it has come back, as it was ordered."""
    assert context.held is not None
    assert context.message is not None
    texts = {sha256_hex(context.held.request.body), context.message.requested_sha256} - {""}
    return None if context.approval.body_sha256.lower() in texts else ANOTHER_TEXT


def _is_approved(context: ApprovalContext) -> Reason | None:
    approved = context.message.approved if context.message else None
    if approved is None:
        return None
    reason = f"It was approved {_format_who(context, approved)} already"
    return Reason("approved_already", reason, "see what else it waits for")


def _needs_none(context: ApprovalContext) -> Reason | None:
    assert context.message is not None
    assert context.held is not None
    if reasons.AWAITING_APPROVAL.rule in context.held.rules:
        return None
    rule_context = build_context(
        context.held.request,
        context.step.number,
        context.message.received,
        context.step.now,
        context.step.settings,
        context.message.is_system,
    )
    return NOT_NEEDED if check_awaiting_approval(rule_context) is None else None


OBJECTIONS: Final[Mapping[ApprovalAction, tuple[Objection, ...]]] = {
    ApprovalAction.APPROVE: (
        _is_opted_out,
        _is_unknown,
        _has_ended,
        _is_own_text,
        _is_another_text,
        _is_approved,
        _needs_none,
    ),
    ApprovalAction.REJECT: (_is_unknown, _has_ended),
    ApprovalAction.SEND_NOW: (_is_unknown, _has_ended),
}
