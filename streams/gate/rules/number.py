"""Rules about the number: whether it can be texted at all, and how well texts reach it."""

from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.number_validation import PROBLEMS
from streams.gate.rule_context import RuleContext
from streams.gate.state import NumberState
from streams.reasons import NOT_SMS_ENABLED
from streams.rule_names import RuleName

CANNOT_RECEIVE: Final = frozenset(
    {"landline", "pager", "premium", "sharedCost", "tollFree", "voicemail"}
)
"""Line types as Twilio Lookup names them."""


def check_not_sms_enabled(context: RuleContext) -> Finding | None:
    """Staff have switched it off, or the provider does not text it, or the line takes no texts.

    Persons' switches do not count if the people processor has picked the number for one of them:
    that switch was on, and what the gate knows of it may be older than the request."""
    number = context.number
    is_off = context.request.resolved is None and is_switched_off_by_all(number)
    if is_off or number.sms_enabled is False:
        reason = NOT_SMS_ENABLED
    elif number.suppressed:
        reason = NOT_SMS_ENABLED.with_next_step(
            "the provider takes no texts to it: correct the number"
        )
    elif number.landline or number.type in CANNOT_RECEIVE:
        reason = NOT_SMS_ENABLED.with_next_step("it can't receive texts: add a mobile number")
    else:
        return None
    return reason.finding(Verdict.REJECT)


def is_switched_off_by_all(number: NumberState) -> bool:
    """By everybody who has the number."""
    return bool(number.switches) and not any(number.switches.values())


def check_doubtful_number(context: RuleContext) -> Finding | None:
    """A warning: texts did not reach it on several days, but on any one of them the phone may
    have been off."""
    if not context.number.doubtful:
        return None
    return Finding(
        rule=RuleName.DOUBTFUL_NUMBER,
        verdict=Verdict.SEND,
        reason="Texts did not reach this number on several days",
        next_step="confirm the number with the client, "
        "and save a new one or say that this one is right",
    )


def check_invalid_number(context: RuleContext) -> Finding | None:
    problem = context.number.problem
    if not problem:
        return None
    reason, next_step = PROBLEMS[problem]
    return Finding(
        rule=RuleName.INVALID_NUMBER,
        verdict=Verdict.REJECT,
        reason=reason,
        next_step=next_step,
    )
