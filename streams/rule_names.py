"""The names of rules in findings, and what a hold waits for: shared by the gate, mailboxes and the
ledger.

A rule that holds a text says here what it waits for and who ends the hold.  Mailboxes, `sayso
waiting` and metrics read this table, so a new rule needs no change there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class RuleName(StrEnum):
    """Every rule that a decision's findings can name, in the order of the gate's `RULES`."""

    UNKNOWN_TENANT = "unknown_tenant"
    CLOCK_SKEW = "clock_skew"
    CONSENT_UNREADABLE = "consent_unreadable"
    REVOCATION_IN_QUESTION = "revocation_in_question"
    OPTED_OUT = "opted_out"
    NOT_OPTED_IN = "not_opted_in"
    ALREADY_OPTED_IN = "ask_not_needed"
    CONSENT_FOR_TESTS = "consent_for_tests"
    NOT_SMS_ENABLED = "not_sms_enabled"
    DOUBTFUL_NUMBER = "doubtful_number"
    INVALID_NUMBER = "invalid_number"
    REGION_NOT_ALLOWED = "region_not_allowed"
    UNKNOWN_KIND = "unknown_kind"
    INVALID_BODY = "bad_body"
    SENDER_NOT_ALLOWED = "sender_not_allowed"
    SENDER_CHANGED = "sender_changed"
    SENDER_CANNOT_RECEIVE = "sender_cannot_receive"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    NOT_ENTITLED = "not_entitled"
    SHORTENER = "shortener"
    UNKNOWN_TIME_ZONE = "unknown_time_zone"
    STALE = "stale"
    REQUESTED_IN_FUTURE = "requested_in_future"
    EXPIRED = "expired"
    HELD_TOO_LONG = "held_too_long"
    OPT_IN_BUDGET = "ask_budget"
    UNDO = "undo"
    NOT_BEFORE = "not_before"
    QUIET_HOURS = "quiet_hours"
    MARKETING_HOURS = "marketing_hours"
    FREQUENCY_CAP = "frequency_cap"
    AWAITING_APPROVAL = "awaiting_approval"

    # Named by decisions that none of these rules makes.
    NO_NUMBER = "no_number"
    """The people processor found no number for the person."""
    SENDER_CROWDED = "sender_crowded"
    """Dispatch returned the order: the sender's queue is too long."""
    READY = "ready"
    APPROVED = "approved"
    NOT_APPROVED = "not_approved"
    CANCELED = "canceled"
    WITHDRAWN = "withdrawn"
    """Canceled within the time that its sender had to undo it."""
    REPLACED = "replaced"
    TEST_MODE = "test_mode"
    """Requested in test mode: it ends here, whatever the other findings say."""


class HoldCause(StrEnum):
    """What a held text waits for.  If several rules hold it, the first cause of this order has
    to end first."""

    CONSENT = "consent"
    NUMBER = "number"
    APPROVAL = "approval"
    HOURS = "hours"
    CAP = "cap"
    SCHEDULED = "scheduled"
    CLOCK = "clock"
    PACE = "pace"


class EndedBy(StrEnum):
    """Who ends a hold."""

    CLOCK = "clock"
    """A time that the finding names.  Staff may approve the text before it comes."""
    STAFF = "staff"
    """Staff have to mend something, so the text needs attention."""
    APPROVER = "approver"
    """Somebody who approves; the text has a mailbox of its own."""
    RECIPIENT = "recipient"
    """The recipient's opt-in, which we ask for."""
    SYSTEM = "system"
    """It ends by itself when the budget, the sender's queue or the clocks allow it."""


class Hold(NamedTuple):
    holds_for: HoldCause
    ended_by: EndedBy


HOLDS: Final[Mapping[str, Hold]] = {
    RuleName.CLOCK_SKEW: Hold(HoldCause.CLOCK, EndedBy.SYSTEM),
    RuleName.CONSENT_UNREADABLE: Hold(HoldCause.CONSENT, EndedBy.STAFF),
    RuleName.REVOCATION_IN_QUESTION: Hold(HoldCause.CONSENT, EndedBy.STAFF),
    RuleName.NOT_OPTED_IN: Hold(HoldCause.CONSENT, EndedBy.RECIPIENT),
    RuleName.NOT_SMS_ENABLED: Hold(HoldCause.NUMBER, EndedBy.STAFF),
    RuleName.OPT_IN_BUDGET: Hold(HoldCause.CONSENT, EndedBy.SYSTEM),
    RuleName.UNDO: Hold(HoldCause.SCHEDULED, EndedBy.CLOCK),
    RuleName.NOT_BEFORE: Hold(HoldCause.SCHEDULED, EndedBy.CLOCK),
    RuleName.QUIET_HOURS: Hold(HoldCause.HOURS, EndedBy.CLOCK),
    RuleName.MARKETING_HOURS: Hold(HoldCause.HOURS, EndedBy.CLOCK),
    RuleName.FREQUENCY_CAP: Hold(HoldCause.CAP, EndedBy.CLOCK),
    RuleName.AWAITING_APPROVAL: Hold(HoldCause.APPROVAL, EndedBy.APPROVER),
    RuleName.NO_NUMBER: Hold(HoldCause.NUMBER, EndedBy.STAFF),
    RuleName.SENDER_CROWDED: Hold(HoldCause.PACE, EndedBy.SYSTEM),
}
"""The rules that may hold a text.  The people processor holds by `not_sms_enabled`; the gate
rejects by it."""


def rules_ended_by(ended_by: EndedBy) -> frozenset[str]:
    """The rules whose holds this ends."""
    return frozenset(rule for rule, hold in HOLDS.items() if hold.ended_by is ended_by)


def first_cause(rules: Collection[str]) -> HoldCause:
    """What has to happen first for a text that these rules hold.  An unknown rule counts as
    consent."""
    causes = {HOLDS[rule].holds_for for rule in rules if rule in HOLDS}
    return next((cause for cause in HoldCause if cause in causes), HoldCause.CONSENT)
