"""Evaluate requests: from a request to its decision, and to what follows from it.

Theory of operation
-------------------
Every request takes the same path, when it comes and whenever it is evaluated again:

1. load: `StepBuilder` holds the number's state and gathers all that this step changes
2. build the context: the request, the number, the tenant's settings, the sender and the location
   (`build_context`)
3. run the rules: every rule may find something; the strictest finding decides (`rules.evaluate`)
4. ask for opt-in, if the text waits for consent and nobody has asked yet.  The opt-in request is a
   text of its own: it takes steps 2, 3 and 5 ahead of the text, which is then evaluated with the
   number as the request has left it
5. act: publish the decision with every finding, then order, hold or end the request (`actions`).
   A request in test mode ends here
6. finish: publish the number's consent status if it changed (`consent_status.finish`)

A held request has a timer for when the clock may change its verdict.  When something else changes,
a consent or the number's location, everything that the number holds is evaluated again, in the
order in which it was requested.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from schemas.base import Evidence, RequestContext, copy_context
from schemas.decision import Decision, Verdict
from schemas.topics import DECISIONS
from streams.encoding.body import MAX_BODY
from streams.encoding.segments import count_segments
from streams.gate import opt_in_state
from streams.gate.actions import (
    PendingRequest,
    end_request,
    hold_ends_at,
    hold_request,
    issue_order,
    publish_person_update,
)
from streams.gate.opt_in_request import build_request, record_outcome, should_request
from streams.gate.rule_context import RuleContext, build_context
from streams.gate.rules import Evaluation, evaluate
from streams.gate.send_window import undo_send
from streams.gate.state import HELD, HeldRequest, MessageState, StepBuilder, hold_name, message_name
from streams.processing import spread_timers
from streams.reasons import READY, end_test

NO_SETTINGS: Final = "none"
"""The policy version of a decision about a tenant that has no settings."""

LOOK_AGAIN: Final = timedelta(seconds=5)
"""While another writing of the number has not said what it knows (`number_moves`)."""

AT_ONCE: Final = 500
"""Held requests evaluated in one step; the others follow one by one, at once."""


def evaluate_request(step: StepBuilder, pending: PendingRequest) -> Decision | None:
    """Decide and act; None: it waits as before."""
    context = _build_context(step, pending)
    evaluation = evaluate(context)
    if should_request(context, evaluation):
        _request_opt_in(step, build_request(context, pending), context)
        context = context._replace(number=step.number)
        evaluation = evaluate(context)
    return _act(step, context, evaluation, pending)


def apply_evaluation(
    step: StepBuilder, pending: PendingRequest, evaluation: Evaluation
) -> Decision | None:
    """Act on a verdict that the rules have not made: a cancellation or a rejection, for example."""
    return _act(step, _build_context(step, pending), evaluation, pending)


def preview(step: StepBuilder, pending: PendingRequest) -> Evaluation:
    """What the rules say, without acting on it."""
    return evaluate(_build_context(step, pending))


def reevaluate_all(step: StepBuilder, cause: Evidence) -> None:
    """Everything held for the number, in order of request.

    None before all writings of the number have joined; then at most AT_ONCE here.  The others
    get timers, in the order in which they came, so that no step grows without bound."""
    if step.has_unjoined:
        return
    names = list(step.store.names(HELD))
    found = (step.store.get(name, HeldRequest) for name in names[:AT_ONCE])
    waiting = [held for held in found if held is not None]
    waiting.sort(key=lambda held: (held.request.requested_at, held.request.message_id))
    step.timers.update(spread_timers(names[AT_ONCE:], step.now))
    for held in waiting:
        _reevaluate(step, held, cause)


def reevaluate_one(step: StepBuilder, name: str) -> None:
    """One held request whose timer fires; its decision names the request itself as evidence."""
    held = step.store.get(name, HeldRequest)
    if step.has_unjoined:
        step.timers[name] = step.now + LOOK_AGAIN
    elif held is not None:
        _reevaluate(step, held, held.evidence)


def _reevaluate(step: StepBuilder, held: HeldRequest, cause: Evidence) -> None:
    message = step.store.get(message_name(held.request.message_id), MessageState)
    if message is None:
        raise LookupError("a held request without its message state")
    evaluate_request(step, PendingRequest(held.request, message, cause, held))


def _build_context(step: StepBuilder, pending: PendingRequest) -> RuleContext:
    request = pending.request
    message = pending.message
    return build_context(
        request,
        undo_send(step.number, request.kind, message.issued_at),
        message.received,
        step.now,
        step.settings,
        message.is_system,
        message.approved,
        message.undo_until,
    )


def _request_opt_in(step: StepBuilder, pending: PendingRequest, waiting: RuleContext) -> None:
    step.number = opt_in_state.start(waiting.number)
    context = _build_context(step, pending)
    _act(step, context, evaluate(context), pending)


def _act(
    step: StepBuilder, context: RuleContext, evaluation: Evaluation, pending: PendingRequest
) -> Decision | None:
    if context.request.test_mode:
        evaluation = _end_test(evaluation)
    verdict = evaluation.verdict
    held = pending.held
    if held is not None and verdict is Verdict.HOLD:
        if (held.rules, held.until) == (evaluation.rules, evaluation.until):
            name = hold_name(pending.request.message_id)
            step.timers[name] = hold_ends_at(context, evaluation)
            step.number = context.number
            return None
    elif held is not None and verdict is Verdict.SEND:
        ready = READY.finding(Verdict.SEND)
        evaluation = evaluation._replace(findings=(*evaluation.findings, ready))
    body = context.request.body
    size = count_segments(body) if len(body) <= MAX_BODY else 0
    decision = _build_decision(step, context, evaluation, pending, size)
    step.publish(DECISIONS, decision)
    publish_person_update(step, pending, verdict)
    if verdict is Verdict.SEND:
        issue_order(step, context, pending, size)
    elif verdict is Verdict.HOLD:
        hold_request(step, context, evaluation, pending)
    else:
        end_request(step, context, evaluation, pending)
    if context.is_opt_in_request:
        record_outcome(step, context, verdict, pending)
    return decision


def _end_test(evaluation: Evaluation) -> Evaluation:
    """Every verdict comes past here, so nothing in test mode is ever ordered or held."""
    return Evaluation(Verdict.CANCEL, end_test(evaluation.verdict, evaluation.findings))


def _build_decision(
    step: StepBuilder,
    context: RuleContext,
    evaluation: Evaluation,
    pending: PendingRequest,
    size: int,
) -> Decision:
    request = context.request
    described = copy_context(request, RequestContext) | {"sender": context.sender or None}
    return Decision(
        message_id=request.message_id,
        tenant=request.tenant,
        to=context.to,
        segments=size,
        resend_of=request.resend_of,
        request_id=request.resolved.request_id if request.resolved else None,
        verdict=evaluation.verdict,
        findings=evaluation.findings,
        until=evaluation.until,
        decided_at=context.now,
        policy_version=step.settings.versions.get(request.tenant, NO_SETTINGS),
        consent_epoch=context.number.epoch,
        evidence=pending.cause,
        seq=pending.message.seq + 1,
        fingerprint=pending.message.fingerprint,
        **described,
    )
