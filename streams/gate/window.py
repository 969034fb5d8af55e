"""When one case's text may reach its recipient: all that hours, law and place say, in one span of UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.send_request import Kind
from schemas.when import MarketingHours
from streams.gate.case import Case
from streams.gate.hours import Hours, StateRules, both, daily, marketing, span_at
from streams.gate.kinds import AT_ANY_HOUR

FORESEEN: Final = timedelta(days=400)
"""Further ahead nobody knows what the clocks will show."""


def moment_of(case: Case) -> datetime:
    """When it would leave if nothing else were in its way: what is scheduled is judged by the hour it is meant for."""
    start = case.request.not_before
    return start if start is not None and case.now < start < case.now + FORESEEN else case.now


def awake(case: Case) -> Hours | None:
    """The hours that are not quiet; None: all of the day."""
    if case.tenant is None or case.request.kind in AT_ANY_HOUR:
        return None
    quiet = case.tenant.when.quiet_hours
    return daily(quiet.before, quiet.after)


def state_rules(case: Case) -> StateRules | None:
    """What the law of their state says about this text; None: nothing."""
    if case.tenant is None or case.request.kind != Kind.MARKETING:
        return None
    if case.tenant.when.marketing is not MarketingHours.BY_STATE:
        return None
    return marketing(case.place.country, case.place.state)


def hours_of(case: Case) -> Hours | None:
    """All that apply; None: any hour is fit."""
    quiet, rules = awake(case), state_rules(case)
    if rules is None:
        return quiet
    return rules.hours if quiet is None else both(quiet, rules.hours)


def opens(case: Case, moment: datetime) -> datetime | None:
    """The first moment from this one on that is fit; None: there is none, wherever they may be."""
    hours = hours_of(case)
    if hours is None:
        return moment
    span = span_at(case.place.zones, hours, moment)
    return None if span is None else max(span.start, moment)


def closes(case: Case) -> datetime | None:
    """When it is too late to send what may be sent now; None: the hour does not matter."""
    hours = hours_of(case)
    span = None if hours is None else span_at(case.place.zones, hours, case.now)
    return None if span is None else span.end
