"""Rules about time: schedules and deadlines, quiet and marketing hours, frequency caps, and
clocks that differ."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from schemas.decision import Finding, Verdict
from schemas.time_zones import is_place, suggest_places
from streams.gate import send_window
from streams.gate.rule_context import RuleContext
from streams.local_time.local_hours import span_at
from streams.local_time.locations import Location
from streams.reasons import EXPIRED, HELD_TOO_LONG, hold_deadline
from streams.rule_names import RuleName

STALE_AFTER: Final = timedelta(days=7)
"""A request that reaches the gate later than this is refused: nobody expects that text any more."""

AHEAD_AT_MOST: Final = timedelta(days=1)
"""A request made further in the future than this comes from a wrong clock, or its time is in a
wrong unit."""

ZONES_NAMED_AT_MOST: Final = 3
LONGEST_ZONE: Final = 40


def check_clock_skew(context: RuleContext) -> Finding | None:
    """A consent record of this number has an append time in the future: our clock or the
    broker's is wrong."""
    appended = send_window.clock_behind(context.number, context.now)
    if appended is None:
        return None
    return Finding(
        rule=RuleName.CLOCK_SKEW,
        verdict=Verdict.HOLD,
        reason=send_window.CLOCKS_DIFFER[0].upper() + send_window.CLOCKS_DIFFER[1:],
        next_step="set the clocks by NTP: it is decided when this clock has caught up",
        until=appended,
    )


def check_unknown_time_zone(context: RuleContext) -> Finding | None:
    """A warning: the zone is passed over in favour of state and number."""
    given = (context.request.time_zone, context.number.time_zone)
    zone = next((zone for zone in given if zone and not is_place(zone)), None)
    if zone is None:
        return None
    near = suggest_places(zone) if len(zone) <= LONGEST_ZONE else ()
    return Finding(
        rule=RuleName.UNKNOWN_TIME_ZONE,
        verdict=Verdict.SEND,
        reason=f"The time zone {zone[:LONGEST_ZONE]!r} is no place, so it was passed over",
        next_step=f"use the name of a place, such as {near[0] if near else 'America/Chicago'}",
    )


# --- schedules and deadlines


def check_stale(context: RuleContext) -> Finding | None:
    """Old when it came.  What we held since is not stale: it has a limit of its own."""
    if context.received - context.request.requested_at <= STALE_AFTER:
        return None
    return Finding(
        rule=RuleName.STALE,
        verdict=Verdict.REJECT,
        reason=f"It was requested more than {STALE_AFTER.days} days before it came here",
        next_step="ask again if it is still wanted, under a new message id",
    )


def check_requested_in_future(context: RuleContext) -> Finding | None:
    if context.request.requested_at - context.received <= AHEAD_AT_MOST:
        return None
    return Finding(
        rule=RuleName.REQUESTED_IN_FUTURE,
        verdict=Verdict.REJECT,
        reason="Its request time is more than a day in the future",
        next_step="correct the producer's clock; to send later, use not_before",
    )


def check_expired(context: RuleContext) -> Finding | None:
    end = context.request.valid_until
    if end is None or context.now < end:
        return None
    return EXPIRED.finding(Verdict.EXPIRE)


def check_held_too_long(context: RuleContext) -> Finding | None:
    if context.now < hold_deadline(context.received, context.request.not_before, None):
        return None
    return HELD_TOO_LONG.finding(Verdict.EXPIRE)


def check_undo(context: RuleContext) -> Finding | None:
    """Its sender can still withdraw it, by a cancel."""
    if not context.can_be_undone:
        return None
    seconds = context.request.undo_seconds
    return Finding(
        rule=RuleName.UNDO,
        verdict=Verdict.HOLD,
        reason=f"It can be withdrawn for {seconds} second{'' if seconds == 1 else 's'}",
        next_step="no action needed: it goes on after that; cancel it to withdraw it",
        until=context.undo_until,
    )


def check_not_before(context: RuleContext) -> Finding | None:
    start = context.request.not_before
    if start is None or context.now >= start:
        return None
    return Finding(
        rule=RuleName.NOT_BEFORE,
        verdict=Verdict.HOLD,
        reason="It is scheduled for later",
        next_step="no action needed: it is sent at that time",
        until=start,
    )


# --- hours and caps


def check_quiet_hours(context: RuleContext) -> Finding | None:
    """Let people sleep: 47 CFR 64.1200(c)(1), and the tenant's own hours.

    A number may be in one of several zones: it has to be daytime in all of them."""
    hours = send_window.quiet_hours_for(context)
    if hours is None:
        return None
    moment = send_window.evaluation_time(context)
    span = span_at(context.location.zones, hours, moment)
    if span is not None and span.start <= moment:
        return None
    time = "It is" if moment == context.now else "The time it is scheduled for is"
    return Finding(
        rule=RuleName.QUIET_HOURS,
        verdict=Verdict.HOLD,
        reason=f"{time} not between {hours.words} {_describe(context.location)}",
        next_step="no action needed: it is sent at that time"
        if span
        else "say where they are: set their time zone",
        until=span and span.start,
    )


def _describe(location: Location) -> str:
    zones = location.zones
    if len(zones) == 1:
        return f"where they are ({zones[0]})"
    more = ", ..." if len(zones) > ZONES_NAMED_AT_MOST else ""
    return f"everywhere they may be ({', '.join(zones[:ZONES_NAMED_AT_MOST])}{more})"


def check_marketing_hours(context: RuleContext) -> Finding | None:
    """States allow marketing at fewer hours, and some not on Sundays or holidays.

    `until` is right in every way: neither too early for the state nor in the quiet hours."""
    rules = send_window.marketing_rules_for(context)
    if rules is None:
        return None
    moment = send_window.evaluation_time(context)
    until = send_window.next_open_time(context, moment)
    if until == moment:
        return None
    where = context.location.state or "the US"
    next_step = "no action needed: it is sent at that time"
    if until is None:
        next_step = "say where they are: set their postal region and time zone"
    return Finding(
        rule=RuleName.MARKETING_HOURS,
        verdict=Verdict.HOLD,
        reason=f"Marketing may not reach them at this hour or on this day in {where} ({rules.law})",
        next_step=next_step,
        until=until,
    )


def check_frequency_cap(context: RuleContext) -> Finding | None:
    """The tenant's caps on texts of one kind to one recipient, and some states' caps on
    marketing."""
    kind = context.request.kind
    times = context.number.texted_ms.get(kind) if context.number.texted_ms else None
    if not times:
        return None
    moment = send_window.evaluation_time(context)
    full = [
        (end, limit)
        for limit in send_window.cap_limits(context)
        if (end := send_window.next_allowed_at(times, limit, moment)) > moment
    ]
    if not full:
        return None
    end, limit = max(full, key=lambda each: each[0])
    texts = "text" if limit.texts == 1 else "texts"
    return Finding(
        rule=RuleName.FREQUENCY_CAP,
        verdict=Verdict.HOLD,
        reason=f"They have had {limit.texts} {kind} {texts} in {limit.words}",
        next_step="no action needed: it is sent at that time",
        until=send_window.next_open_time(context, end),
    )
