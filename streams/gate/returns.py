"""Orders that dispatch has returned: evaluated again at once, or held until there is room for them.

An order that its sender could not send in time waits until that has changed: evaluated at once, it
would only be issued and returned again.  If the wait ends too late for the text, we try again
half-way to its end, and half-way again: the sender may have been slow for a moment only, and a text
that expires is lost.  So a text is ordered some ten times a day at most, and ends when there is no
time left for another try.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.attempt import ReturnReason
from schemas.dead_letter import DeadLetterCause
from schemas.decision import Finding, Verdict
from schemas.send import Returned
from schemas.send_request import SystemKind
from streams.gate import opt_in_state
from streams.gate.actions import PendingRequest
from streams.gate.evaluation import apply_evaluation, evaluate_request, preview, reevaluate_all
from streams.gate.opt_in_request import is_last_request
from streams.gate.opt_in_state import BUDGET, CLOCK_AHEAD, CROWDED
from streams.gate.requests import apply_cancel
from streams.gate.rules import Evaluation
from streams.gate.state import MessageState, StepBuilder, message_name
from streams.processing import InputRecord
from streams.reasons import Reason
from streams.rule_names import RuleName

TOO_LATE: Final[Mapping[str, str]] = {
    CROWDED.rule: "use a faster sender, or ask earlier",
    CLOCK_AHEAD.rule: "set the clocks by NTP",
}
"""By rule: the next step if there is no time left to wait."""

LAST_TRY: Final = timedelta(minutes=2)
"""With less time left than this, there is no other try."""

SHORT_WAIT: Final = timedelta(minutes=1)
"""Wait so long if the time has passed already: dispatch's clock may be behind, or the record lay
in a backlog."""


REPLACED: Final = Finding(
    rule=RuleName.REPLACED,
    verdict=Verdict.CANCEL,
    reason="A later opt-in request has taken its place",
    next_step="nothing",
)


class Wait(NamedTuple):
    until: datetime
    why: Reason


def find_wait(returned: Returned, now: datetime) -> Wait | None:
    """None: it may be evaluated again at once.

    Dispatch's clock may be ahead of ours or behind it.  An order issued again before it is time
    by both clocks would come back again, and so on without a pause."""
    order = returned.order
    if returned.until is not None:
        is_budget = order.kind == SystemKind.CONSENT_ASK and returned.code != ReturnReason.NO_ROOM
        until = returned.until if returned.until > now else now + SHORT_WAIT
        return Wait(until, BUDGET if is_budget else CROWDED)
    if returned.at >= order.send_before > now:
        return Wait(order.send_before, CLOCK_AHEAD)
    return None


def on_returned(step: StepBuilder, record: InputRecord) -> None:
    """Evaluate it again: consent may have changed, its time may be past.

    Only the order that is out now counts; an older one, or one that came back before, changes
    nothing."""
    returned: Returned = record.value
    order = returned.order
    message = step.store.get(message_name(order.message_id), MessageState)
    if message is None:
        reason = "an order came back that the gate no longer knows"
        step.reject_record(record, DeadLetterCause.UNKNOWN_ORDER, reason)
        return
    if message.request is None or message.issued_at != order.issued_at:
        return
    request = message.request.model_copy(update={"body": order.body})
    # The next order may go to another sender, which knows nothing of the attempts so far.
    next_attempt = max(message.next_attempt, returned.attempt + 1)
    message = message.model_copy(update={"next_attempt": next_attempt})
    pending = PendingRequest(request, message, record.evidence)
    wait = find_wait(returned, step.now)
    if message.canceled is not None:
        apply_cancel(step, pending, message.canceled)
    elif order.kind == SystemKind.CONSENT_ASK:
        _return_opt_in_request(step, pending, wait)
    elif wait is not None:
        hold_for_capacity(step, pending, wait)
    else:
        evaluate_request(step, pending)


def _return_opt_in_request(step: StepBuilder, pending: PendingRequest, wait: Wait | None) -> None:
    """Dispatch has not sent it, so it has reached nobody.

    If it has to wait, for room in the tenant's budget for example, the texts that wait for its
    reply say so."""
    if not is_last_request(step.number, pending.request):
        # It lay at dispatch for so long that another was made: both together would be two in a day.
        step.number = opt_in_state.decrement_unanswered(step.number)
        apply_evaluation(step, pending, Evaluation(Verdict.CANCEL, (REPLACED,)))
        return
    until, rule = (wait.until, wait.why.rule) if wait else (None, "")
    step.number = opt_in_state.mark_returned(step.number, until, rule)
    evaluate_request(step, pending)
    if wait is not None:
        reevaluate_all(step, pending.cause)


def hold_for_capacity(step: StepBuilder, pending: PendingRequest, wait: Wait) -> None:
    """Hold it while it may be sent at all: a STOP may have come meanwhile.

    A system message replies to what somebody wrote: later it is of no use."""
    if preview(step, pending).verdict is not Verdict.SEND:
        evaluate_request(step, pending)
        return
    until = None
    if not pending.message.is_system:
        until = _next_try(wait, pending.request.valid_until, step.now)
    apply_evaluation(step, pending, _hold_or_expire(wait.why, until))


def _next_try(wait: Wait, valid_until: datetime | None, now: datetime) -> datetime | None:
    """When to order it again; None: there is no time left.

    What is too late by dispatch's clock only is too late when it is so by ours."""
    if valid_until is None or wait.until < valid_until:
        return wait.until
    left = valid_until - now
    if left > LAST_TRY:
        return now + left / 2
    return wait.until if wait.why is CLOCK_AHEAD else None


def _hold_or_expire(why: Reason, until: datetime | None) -> Evaluation:
    if until is None:
        finding = why.with_next_step(TOO_LATE[why.rule]).finding(Verdict.EXPIRE)
        return Evaluation(Verdict.EXPIRE, (finding,))
    finding = why.finding(Verdict.HOLD).model_copy(update={"until": until})
    return Evaluation(Verdict.HOLD, (finding,), until)
