"""Marketing by the states' hours, Sundays and holidays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.decision import Verdict
from streams.gate.rule_context import RuleContext
from streams.gate.rules import evaluate
from streams.local_time.local_hours import STATE_RULES, state_rules, strictest_rules
from streams.local_time.locations import STATES
from tests.core.gate.cases import context
from tests.core.gate.test_quiet_hours import CHICAGO, NEW_YORK, QUIET, at

ZONE_OF = {
    "AL": CHICAGO,
    "CA": "America/Los_Angeles",
    "CT": NEW_YORK,
    "FL": NEW_YORK,
    "KY": NEW_YORK,
    "LA": CHICAGO,
    "NV": "America/Los_Angeles",
    "OK": CHICAGO,
    "PA": NEW_YORK,
    "RI": NEW_YORK,
    "SD": CHICAGO,
    "TX": CHICAGO,
}
"""2026-06-10 is a Wednesday, 13 a Saturday, 14 a Sunday; 2026-05-25 Memorial Day; 2026-07-03 the
Fourth, observed."""


def promoted(now: datetime, **about: Any) -> RuleContext:
    whole: dict[str, Any] = {"kind": "marketing", "policy": QUIET, "now": now, "requested_at": now}
    return context(**whole | about)


@pytest.mark.parametrize(
    ("state", "clock", "until"),
    [
        ("CA", "2026-06-10 08:00", None),
        ("CA", "2026-06-14 20:59", None),
        ("CA", "2026-05-25 12:00", None),
        ("CT", "2026-06-10 08:59", "2026-06-10 09:00"),
        ("CT", "2026-06-10 20:00", "2026-06-11 09:00"),
        ("FL", "2026-06-10 19:59", None),
        ("FL", "2026-06-10 20:00", "2026-06-11 08:00"),
        ("KY", "2026-06-10 09:59", "2026-06-10 10:00"),
        ("TX", "2026-06-13 09:00", None),
        ("TX", "2026-06-14 11:59", "2026-06-14 12:00"),
        ("TX", "2026-06-14 12:00", None),
        ("RI", "2026-06-10 17:59", None),
        ("RI", "2026-06-12 18:00", "2026-06-13 10:00"),
        ("RI", "2026-06-13 17:00", "2026-06-15 09:00"),
        ("AL", "2026-06-13 20:00", "2026-06-15 08:00"),
        ("SD", "2026-06-14 12:00", "2026-06-15 09:00"),
        ("LA", "2026-02-17 12:00", "2026-02-18 08:00"),
        ("AL", "2026-05-23 20:30", "2026-05-26 08:00"),
        ("AL", "2026-07-03 12:00", "2026-07-06 08:00"),
        ("OK", "2026-12-25 12:00", "2026-12-26 08:00"),
        ("PA", "2026-11-26 12:00", "2026-11-28 08:00"),
    ],
)
def test_a_state(state: str, clock: str, until: str | None) -> None:
    zone = ZONE_OF[state]
    about: dict[str, Any] = {"postal_region": state, "time_zone": zone}
    ruling = evaluate(promoted(at(zone, clock), **about))
    assert ruling.until == (at(zone, until) if until else None)
    assert ruling.verdict is (Verdict.HOLD if until else Verdict.SEND)
    reminder = evaluate(promoted(at(zone, clock), kind="reminder", **about))
    assert "marketing_hours" not in [found.rule for found in reminder.findings]


@pytest.mark.parametrize(
    ("about", "state"),
    [
        pytest.param({}, "CA", id="by area code"),
        pytest.param({"to": "+13055550100"}, "FL", id="by another"),
        pytest.param({"postal_region": "RI"}, "RI", id="by address"),
        pytest.param({"known": {"postal_region": "RI"}}, "RI", id="by what is known of the number"),
        pytest.param({"to": "+15005550006"}, "the strictest of all", id="from nowhere"),
    ],
)
def test_a_finding_names_the_law(about: dict[str, Any], state: str) -> None:
    night = promoted(at(NEW_YORK, "2026-06-14 03:00"), **about)
    reason = {found.rule: found.reason for found in evaluate(night).findings}["marketing_hours"]
    assert (
        STATE_RULES.get(state, STATE_RULES["US-FED"] if state == "CA" else strictest_rules()).law
        in reason
    )


def test_no_state_of_the_us_no_law_of_one() -> None:
    assert state_rules("CA", "") is None
    assert state_rules("GB", "") is None
    sunday = promoted(at(NEW_YORK, "2026-06-14 20:30"), to="+14165550100")
    assert evaluate(sunday).verdict is Verdict.SEND


def test_the_strictest_is_stricter_than_each() -> None:
    rules = strictest_rules()
    assert (rules.hours.weekdays, rules.hours.saturday, rules.hours.sunday) == (
        (600, 1080),
        (600, 1020),
        None,
    )
    assert rules.per_day == 3
    assert rules.hours.closed_on == {"AL", "LA", "OK", "PA", "RI"}


def test_the_tenant_s_own_hours_count_as_well() -> None:
    quiet = {"when": {"quiet_hours": {"before": "11:00", "after": "16:00"}}}
    night = promoted(at(NEW_YORK, "2026-06-13 16:30"), postal_region="RI", policy=quiet)
    assert evaluate(night).until == at(NEW_YORK, "2026-06-15 11:00")


def test_a_tenant_may_leave_the_states_out() -> None:
    alike = {"when": {"marketing": "as_others"}}
    sunday = at(CHICAGO, "2026-06-14 12:00")
    assert evaluate(promoted(sunday, postal_region="AL", policy=alike)).verdict is Verdict.SEND
    assert evaluate(promoted(sunday, postal_region="AL")).verdict is Verdict.HOLD


def test_where_no_hour_is_fit_for_all() -> None:
    short = {"when": {"quiet_hours": {"before": "08:00", "after": "10:00"}}}
    held = evaluate(promoted(at(NEW_YORK, "2026-06-13 08:30"), postal_region="RI", policy=short))
    assert held.until == at(NEW_YORK, "2026-06-15 09:00")
    held = evaluate(promoted(at(NEW_YORK, "2026-06-13 08:30"), postal_region="KY", policy=short))
    assert held.until is None
    assert (
        held.findings[-1].next_step == "say where they are: set their postal region and time zone"
    )


def test_the_table_is_clean() -> None:
    states = {state.code for state in STATES if state.country == "US"}
    assert len(STATE_RULES) == 23
    assert set(STATE_RULES) - {"US-FED"} <= states
    for rules in STATE_RULES.values():
        assert rules.law
        assert rules.hours.weekdays
        assert 480 <= rules.hours.weekdays[0] < rules.hours.weekdays[1] <= 1260
