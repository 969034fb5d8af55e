"""Every rule of the gate, in the order in which their findings are named: consent before form.

A rule looks at one case and answers with a finding or None; a new one is a file here, a line below and a table of
cases in the tests (see CONTRIBUTING.md).
"""

from __future__ import annotations

from typing import Final

from streams.gate.case import Rule
from streams.gate.rules.ask_budget import ask_budget
from streams.gate.rules.ask_not_needed import ask_not_needed
from streams.gate.rules.awaiting_approval import awaiting_approval
from streams.gate.rules.bad_body import bad_body
from streams.gate.rules.blocked_by_carrier import blocked_by_carrier
from streams.gate.rules.clock_skew import clock_skew
from streams.gate.rules.consent_for_tests import consent_for_tests
from streams.gate.rules.consent_unreadable import consent_unreadable
from streams.gate.rules.doubtful_number import doubtful_number
from streams.gate.rules.expired import expired
from streams.gate.rules.frequency_cap import frequency_cap
from streams.gate.rules.held_too_long import held_too_long
from streams.gate.rules.invalid_number import invalid_number
from streams.gate.rules.marketing_hours import marketing_hours
from streams.gate.rules.not_before import not_before
from streams.gate.rules.not_entitled import not_entitled
from streams.gate.rules.not_opted_in import not_opted_in
from streams.gate.rules.not_sms_enabled import not_sms_enabled
from streams.gate.rules.opted_out import opted_out
from streams.gate.rules.quiet_hours import quiet_hours
from streams.gate.rules.region_not_allowed import region_not_allowed
from streams.gate.rules.requested_in_future import requested_in_future
from streams.gate.rules.sender_cannot_receive import sender_cannot_receive
from streams.gate.rules.sender_changed import sender_changed
from streams.gate.rules.sender_not_allowed import sender_not_allowed
from streams.gate.rules.shortener import shortener
from streams.gate.rules.stale import stale
from streams.gate.rules.unknown_kind import unknown_kind
from streams.gate.rules.unknown_tenant import unknown_tenant

RULES: Final[tuple[Rule, ...]] = (
    unknown_tenant,
    clock_skew,
    consent_unreadable,
    opted_out,
    not_opted_in,
    ask_not_needed,
    consent_for_tests,
    not_sms_enabled,
    doubtful_number,
    invalid_number,
    region_not_allowed,
    unknown_kind,
    bad_body,
    sender_not_allowed,
    sender_changed,
    sender_cannot_receive,
    blocked_by_carrier,
    not_entitled,
    shortener,
    stale,
    requested_in_future,
    expired,
    held_too_long,
    ask_budget,
    not_before,
    quiet_hours,
    marketing_hours,
    frequency_cap,
    awaiting_approval,
)
