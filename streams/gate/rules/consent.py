"""Rules about consent: we text nobody who has not opted in, except to ask for opt-in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from schemas.blank_text import is_blank
from schemas.consent import ConsentState
from schemas.decision import Finding, Verdict
from schemas.send_request import Kind
from streams.gate import opt_in_state
from streams.gate.messages import AFTER_OPT_OUT
from streams.gate.rule_context import RuleContext
from streams.gate.state import OptInStatus
from streams.reasons import NOT_OPTED_IN, OPTED_OUT, format_time
from streams.rule_names import RuleName

OPTED_OUT_IN_OTHER_WORDS: Final = OPTED_OUT.with_next_step(
    "read what they wrote (sayso consent history): sayso consent out confirms it, "
    "sayso consent in with proof lifts it"
)
"""Staff decide on words that are no keyword; nobody lifts a STOP but the recipient."""


def check_consent_unreadable(context: RuleContext) -> Finding | None:
    """A record about this number's consent could not be read: it may have been a STOP."""
    if not context.number.unreadable_ms:
        return None
    return Finding(
        rule=RuleName.CONSENT_UNREADABLE,
        verdict=Verdict.HOLD,
        reason="A record about this recipient's consent could not be read",
        next_step="look at it among the dead letters; if it was a STOP, sayso consent out, "
        "else sayso consent resolve",
    )


def check_revocation_in_question(context: RuleContext) -> Finding | None:
    """What they wrote may be an opt-out, and nobody has read it yet.  Automatic texts wait."""
    question = context.number.question
    if question is None or _goes_in_question(context):
        return None
    zone = context.tenant.zone if context.tenant else UTC
    opt_out_at = format_time(question.opt_out_at, zone)
    return Finding(
        rule=RuleName.REVOCATION_IN_QUESTION,
        verdict=Verdict.HOLD,
        reason="What the recipient wrote may be an opt-out, and nobody has read it yet",
        next_step="read it (sayso box to-read): sayso consent out if they want no texts, else "
        f"sayso consent go-on; unanswered, they are opted out from {opt_out_at}",
    )


def _goes_in_question(context: RuleContext) -> bool:
    """Answers to a STOP or HELP, and what somebody wrote by hand: never to many at once."""
    if context.is_system:
        return context.request.kind in AFTER_OPT_OUT
    by_hand = not is_blank(context.request.written_by)
    return by_hand and context.request.kind != Kind.MARKETING


def check_opted_out(context: RuleContext) -> Finding | None:
    """From all texts of the tenant, or from one sender's."""
    if context.is_system and context.request.kind in AFTER_OPT_OUT:
        return None
    if context.number.state is ConsentState.OPTED_OUT:
        reason = OPTED_OUT_IN_OTHER_WORDS if context.number.flagged else OPTED_OUT
        return reason.finding(Verdict.REJECT)
    if context.sender not in (context.number.stopped_senders or {}):
        return None
    return Finding(
        rule=RuleName.OPTED_OUT,
        verdict=Verdict.REJECT,
        reason=f"The recipient opted out of texts from {context.sender}",
        next_step="only they can come back, by texting START to it; or use another sender",
    )


def check_not_opted_in(context: RuleContext) -> Finding | None:
    """The text waits for the recipient's opt-in; the next step says what became of the request for
    it.

    `until` is set if the clock changes that sentence: the opt-in request waits for room in the
    tenant's budget."""
    if context.number.state in opt_in_state.SETTLED or context.needs_no_opt_in:
        return None
    found = NOT_OPTED_IN.with_next_step(_next_step(context)).finding(Verdict.HOLD)
    return found.model_copy(update={"until": _wait_until(context)})


def _wait_until(context: RuleContext) -> datetime | None:
    if opt_in_state.opt_in_requests(context.number).last is not OptInStatus.WAITING:
        return None
    return opt_in_state.wait_until(context.number, context.now)


def _next_step(context: RuleContext) -> str:
    requests = opt_in_state.opt_in_requests(context.number)
    if context.tenant is None or requests.last is OptInStatus.NONE:
        return NOT_OPTED_IN.next_step
    zone = context.tenant.zone
    if (until := _wait_until(context)) is not None:
        return (
            "wait: this hour's opt-in requests are used up; "
            f"they are asked by text from {format_time(until, zone)}"
        )
    if requests.last is OptInStatus.WAITING:
        return "wait: they are asked by text as soon as that may be"
    free = opt_in_state.next_request_at(context.number)
    if free is None or requests.issued_at is None:
        return "the opt-in request did not reach them: ask again by hand, or record their consent"
    next_at = "now" if free <= context.now else f"from {format_time(free, zone)}"
    last = format_time(requests.issued_at, zone)
    return f"wait: they were asked {last}; they may be asked again, by hand, {next_at}"


def check_already_opted_in(context: RuleContext) -> Finding | None:
    """They have opted in while the opt-in request waited."""
    asks = context.is_opt_in_request or context.is_opt_in_hint
    if not asks or context.number.state is not ConsentState.OPTED_IN:
        return None
    return Finding(
        rule=RuleName.ALREADY_OPTED_IN,
        verdict=Verdict.CANCEL,
        reason="The recipient has opted in: there is nothing to ask",
        next_step="nothing: the texts that waited for it are sent now",
    )


def check_consent_for_tests(context: RuleContext) -> Finding | None:
    """A test is for somebody who is looking at their phone now: it does not wait for consent."""
    if context.request.kind != Kind.TEST or context.number.state is ConsentState.OPTED_IN:
        return None
    return Finding(
        rule=RuleName.CONSENT_FOR_TESTS,
        verdict=Verdict.REJECT,
        reason="A test goes only to a number that has opted in",
        next_step="opt your own number in first",
    )


def check_opt_in_budget(context: RuleContext) -> Finding | None:
    """Texts to unknown numbers cost money.

    Dispatch sees all that a tenant asks.  It returns an opt-in request for which there is no
    room, in the tenant's budget as a rule, else at the sender."""
    until = opt_in_state.wait_until(context.number, context.now)
    if until is None or not context.is_opt_in_request:
        return None
    found = opt_in_state.why_waiting(context.number).finding(Verdict.HOLD)
    return found.model_copy(update={"until": until})
