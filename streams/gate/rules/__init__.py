"""Every rule of the gate, and how their findings become one verdict.

A rule looks at one request (`RuleContext`) and returns a finding or None.  A new one is a function
in a module here, its name in `streams/rule_names.py`, a line below and a table of cases in the
tests (see CONTRIBUTING.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from schemas.decision import Finding, Verdict
from streams.gate.rule_context import RuleContext
from streams.gate.rules import consent, content, number, sender, tenant, timing
from streams.rule_names import HOLDS, EndedBy, HoldCause, RuleName

Check = Callable[[RuleContext], Finding | None]


class Rule(NamedTuple):
    name: RuleName
    check: Check

    @property
    def holds_for(self) -> HoldCause | None:
        """What a text waits for that this rule holds; None: it never holds."""
        return HOLDS[self.name].holds_for if self.name in HOLDS else None

    @property
    def ended_by(self) -> EndedBy | None:
        """Who ends its holds; None: it never holds."""
        return HOLDS[self.name].ended_by if self.name in HOLDS else None


RULES: Final[tuple[Rule, ...]] = (
    Rule(RuleName.UNKNOWN_TENANT, tenant.check_unknown_tenant),
    Rule(RuleName.CLOCK_SKEW, timing.check_clock_skew),
    Rule(RuleName.CONSENT_UNREADABLE, consent.check_consent_unreadable),
    Rule(RuleName.REVOCATION_IN_QUESTION, consent.check_revocation_in_question),
    Rule(RuleName.OPTED_OUT, consent.check_opted_out),
    Rule(RuleName.NOT_OPTED_IN, consent.check_not_opted_in),
    Rule(RuleName.ALREADY_OPTED_IN, consent.check_already_opted_in),
    Rule(RuleName.CONSENT_FOR_TESTS, consent.check_consent_for_tests),
    Rule(RuleName.NOT_SMS_ENABLED, number.check_not_sms_enabled),
    Rule(RuleName.DOUBTFUL_NUMBER, number.check_doubtful_number),
    Rule(RuleName.INVALID_NUMBER, number.check_invalid_number),
    Rule(RuleName.REGION_NOT_ALLOWED, tenant.check_region_not_allowed),
    Rule(RuleName.UNKNOWN_KIND, content.check_unknown_kind),
    Rule(RuleName.INVALID_BODY, content.check_invalid_body),
    Rule(RuleName.SENDER_NOT_ALLOWED, sender.check_sender_not_allowed),
    Rule(RuleName.SENDER_CHANGED, sender.check_sender_changed),
    Rule(RuleName.SENDER_CANNOT_RECEIVE, sender.check_sender_cannot_receive),
    Rule(RuleName.BLOCKED_BY_CARRIER, sender.check_blocked_by_carrier),
    Rule(RuleName.NOT_ENTITLED, tenant.check_not_entitled),
    Rule(RuleName.SHORTENER, content.check_shortener),
    Rule(RuleName.UNKNOWN_TIME_ZONE, timing.check_unknown_time_zone),
    Rule(RuleName.STALE, timing.check_stale),
    Rule(RuleName.REQUESTED_IN_FUTURE, timing.check_requested_in_future),
    Rule(RuleName.EXPIRED, timing.check_expired),
    Rule(RuleName.HELD_TOO_LONG, timing.check_held_too_long),
    Rule(RuleName.OPT_IN_BUDGET, consent.check_opt_in_budget),
    Rule(RuleName.UNDO, timing.check_undo),
    Rule(RuleName.NOT_BEFORE, timing.check_not_before),
    Rule(RuleName.QUIET_HOURS, timing.check_quiet_hours),
    Rule(RuleName.MARKETING_HOURS, timing.check_marketing_hours),
    Rule(RuleName.FREQUENCY_CAP, timing.check_frequency_cap),
    Rule(RuleName.AWAITING_APPROVAL, tenant.check_awaiting_approval),
)
"""In the order in which findings are shown: consent before form.  The order changes no verdict."""

CHECKS: Final[tuple[Check, ...]] = tuple(rule.check for rule in RULES)


class Evaluation(NamedTuple):
    """What the rules say of one request."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    until: datetime | None = None
    """When to evaluate again, if the clock alone can change it."""

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(found.rule for found in self.findings)


CLEAR: Final = Evaluation(Verdict.SEND)


def evaluate(context: RuleContext, checks: Iterable[Check] = CHECKS) -> Evaluation:
    """Ask every rule, keep every finding, obey the strictest."""
    return combine([found for check in checks if (found := check(context)) is not None])


def combine(findings: list[Finding]) -> Evaluation:
    if not findings:
        return CLEAR
    verdict = max((found.verdict for found in findings), key=lambda each: each.strictness)
    until = _hold_ends_at(findings) if verdict is Verdict.HOLD else None
    return Evaluation(verdict, tuple(findings), until)


def _hold_ends_at(findings: list[Finding]) -> datetime | None:
    """All holds must be over; one that waits for a record rather than the clock has no time."""
    ends = [found.until for found in findings if found.verdict is Verdict.HOLD]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
