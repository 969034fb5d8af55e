"""Why a text cannot go, how long it may wait, and how times are written in reasons.

Each reason is worded once, with its next step, so that the gate, people and every screen say the
same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from schemas.decision import Finding, Verdict
from schemas.send_request import CancelSource

HOLD_LIMIT: Final = timedelta(days=30)
"""A request without `valid_until` waits this long, from when it came or from its `not_before`."""


class Reason(NamedTuple):
    rule: str
    reason: str
    next_step: str
    """What staff can do about it."""

    def with_next_step(self, next_step: str) -> Reason:
        return self._replace(next_step=next_step)

    def finding(self, verdict: Verdict) -> Finding:
        return Finding(
            rule=self.rule, verdict=verdict, reason=self.reason, next_step=self.next_step
        )


NO_NUMBER: Final = Reason("no_number", "No phone number on file", "add a mobile number")
NOT_SMS_ENABLED: Final = Reason(
    "not_sms_enabled", "The number isn't enabled for SMS", "turn on SMS for it"
)
NOT_OPTED_IN: Final = Reason(
    "not_opted_in",
    "The recipient hasn't opted in yet",
    "record their consent, or let them text START: it is sent as soon as they have",
)
"""A decision names exactly one of these three first."""

OPTED_OUT: Final = Reason(
    "opted_out", "The recipient opted out", "only they can come back, by texting START"
)
EXPIRED: Final = Reason(
    "expired",
    "It is past the time it was meant for",
    "ask again, valid until a later time, if it is still wanted",
)
HELD_TOO_LONG: Final = Reason(
    "held_too_long", f"It has waited for {HOLD_LIMIT.days} days", "ask again if it is still wanted"
)
AWAITING_APPROVAL: Final = Reason(
    "awaiting_approval", "It waits to be approved", "approve or reject it"
)
NOBODY_APPROVED: Final = Reason(
    "awaiting_approval",
    f"Nobody approved it within {HOLD_LIMIT.days} days",
    "ask again if it is still wanted",
)
CANCELED: Final = "canceled"
"""The rule by which somebody takes a request back."""
WITHDRAWN: Final = "withdrawn"
"""The rule by which whoever sent it undoes it, within its time."""
TEST_MODE: Final = "test_mode"
"""The rule that ends a request in test mode."""
NOT_APPROVED: Final = "not_approved"
"""The rule by which staff reject a text."""
READY: Final = Reason("ready", "The SMS message can be sent", "nothing: it goes by itself")
"""Of the decision that releases a held text."""


def is_member_of_staff(by: str) -> bool:
    """Whether whoever canceled a text is none of our processors."""
    return by not in set(CancelSource)


def build_cancel_finding(by: str, why: str, *, is_withdrawn: bool = False) -> Finding:
    """Somebody does not want the text any more.  `why`: their words.

    `is_withdrawn`: they undid it before it could go."""
    done = "withdrawn" if is_withdrawn else "canceled"
    return Finding(
        rule=WITHDRAWN if is_withdrawn else CANCELED,
        verdict=Verdict.CANCEL,
        reason=f"It was {done} by {by}" if by else f"It was {done}",
        next_step=why or "ask again if it is still wanted",
    )


OTHERWISE: Final = {
    Verdict.SEND: "be sent",
    Verdict.HOLD: "wait",
    Verdict.REJECT: "be rejected",
    Verdict.EXPIRE: "expire",
    Verdict.CANCEL: "be canceled",
}


def end_test(verdict: Verdict, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """A request in test mode is canceled, whatever has been found.  The findings stay."""
    test = Finding(
        rule=TEST_MODE,
        verdict=Verdict.CANCEL,
        reason=f"It was requested in test mode; otherwise it would {OTHERWISE[verdict]}",
        next_step="nothing: request it again outside test mode, under another id, to send it",
    )
    return (test, *findings)


def find_tested_verdict(findings: Sequence[Finding]) -> Verdict | None:
    """What would have become of a request in test mode; None: it was none."""
    if not any(one.rule == TEST_MODE for one in findings):
        return None
    verdicts = [one.verdict for one in findings if one.rule != TEST_MODE]
    return max(verdicts, key=lambda one: one.strictness, default=Verdict.SEND)


def add_clamped(moment: datetime, by: timedelta) -> datetime:
    """A producer may write a time near the end of the calendar."""
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def hold_deadline(
    received: datetime, not_before: datetime | None, valid_until: datetime | None
) -> datetime:
    """When a held text expires.  A text scheduled for later is not late before that time."""
    limit = add_clamped(received if not_before is None else max(received, not_before), HOLD_LIMIT)
    return limit if valid_until is None else min(limit, valid_until)


def format_time(at: datetime, zone: tzinfo) -> str:
    """As people of that zone write it: `2026-11-21 12:00 EST`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def format_duration(left: timedelta) -> str:
    """`23 h 59 min`, rounded up to the minute."""
    minutes = max(0, -(-left // timedelta(minutes=1)))
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
