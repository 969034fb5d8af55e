"""Which hours are open for one text: quiet hours, and what US states demand of marketing.

The gate judges by these, and whoever plans a text asks for the same."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.send_request import Kind, SystemKind
from schemas.tenant_settings import TenantSettings
from schemas.when import MarketingHours
from streams.local_time.local_hours import (
    Hours,
    StateRules,
    daily_hours,
    intersect,
    span_at,
    state_rules,
)
from streams.local_time.locations import Location, Zones

AT_ANY_HOUR: Final[frozenset[str]] = frozenset(
    {
        SystemKind.STOP_CONFIRMATION,
        SystemKind.START_CONFIRMATION,
        SystemKind.HELP_ANSWER,
        SystemKind.UNMONITORED_ANSWER,
    }
)
"""Kinds that quiet hours do not hold: replies to what the recipient has just written.  A test is
not among them: whoever requests it is not always the one it wakes."""


def quiet_hours_for(tenant: TenantSettings | None, kind: str) -> Hours | None:
    """The hours that the tenant's quiet hours leave open; None: all of the day."""
    if tenant is None or kind in AT_ANY_HOUR:
        return None
    quiet = tenant.when.quiet_hours
    return daily_hours(quiet.before, quiet.after)


def marketing_rules_for(
    tenant: TenantSettings | None, kind: str, location: Location
) -> StateRules | None:
    """What the law of the recipient's state says about this text; None: nothing."""
    if tenant is None or kind != Kind.MARKETING:
        return None
    if tenant.when.marketing is not MarketingHours.BY_STATE:
        return None
    return state_rules(location.country, location.state)


def open_hours_for(tenant: TenantSettings | None, kind: str, location: Location) -> Hours | None:
    """The hours that everything leaves open; None: all of the day."""
    quiet = quiet_hours_for(tenant, kind)
    rules = marketing_rules_for(tenant, kind, location)
    if rules is None:
        return quiet
    return rules.hours if quiet is None else intersect(quiet, rules.hours)


def next_open_time(zones: Zones, hours: Hours | None, moment: datetime) -> datetime | None:
    """The first allowed moment from this one on; None: there is none, wherever they may be."""
    if hours is None:
        return moment
    span = span_at(zones, hours, moment)
    return None if span is None else max(span.start, moment)
