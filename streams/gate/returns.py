"""Orders that dispatch has returned: evaluated again at once, or held until there is room for them.

An order that its sender could not send in time waits until that has changed: evaluated at once, it
would only be issued and returned again.  If the wait ends too late for the text, we try again
half-way to its end, and half-way again: the sender may have been slow for a moment only, and a text
that expires is lost.  So a text is ordered some ten times a day at most, and ends when there is no
time left for another try.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.dead_letter import DeadLetterCause
from schemas.decision import Verdict
from schemas.send import Returned
from schemas.send_request import SystemKind
from streams.gate.evaluation import apply_evaluation, evaluate_request, preview
from streams.gate.opt_in_events import on_request_returned
from streams.gate.pending_requests import PendingRequest
from streams.gate.requests import apply_cancel
from streams.gate.return_reasons import CLOCK_AHEAD, TOO_LATE, Wait, find_wait
from streams.gate.rules import Evaluation
from streams.gate.state import MessageState, StepBuilder, message_name
from streams.processing import InputRecord, build_dead_letter
from streams.reasons import Reason

LAST_TRY: Final = timedelta(minutes=2)
"""With less time left than this, there is no other try."""


def on_returned(step: StepBuilder, record: InputRecord) -> None:
    """Evaluate it again: consent may have changed, its time may be past.

    Only the order that is out now counts; an older one, or one that came back before, changes
    nothing."""
    returned: Returned = record.value
    order = returned.order
    message = step.store.get(message_name(order.message_id), MessageState)
    if message is None:
        reason = "an order came back that the gate no longer knows"
        letter = build_dead_letter("gate", record, step.now, DeadLetterCause.UNKNOWN_ORDER, reason)
        step.publications.append(letter)
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
        on_request_returned(step, pending, wait)
    elif wait is not None:
        hold_for_capacity(step, pending, wait)
    else:
        evaluate_request(step, pending)


def hold_for_capacity(step: StepBuilder, pending: PendingRequest, wait: Wait) -> None:
    """Hold it while it may be sent at all: a STOP may have come meanwhile.

    A system message replies to what somebody wrote: later it is of no use."""
    if preview(step, pending).verdict is not Verdict.SEND:
        evaluate_request(step, pending)
        return
    until = None
    if not pending.message.own:
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
