"""Let people sleep: 47 CFR 64.1200(c)(1), and the tenant's own hours.

A number may live in several zones: all must be awake.
"""

from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.hours import span_at
from streams.gate.window import awake, moment_of
from streams.gate.zones import Place

NAMED_AT_MOST: Final = 3


def quiet_hours(case: Case) -> Finding | None:
    hours = awake(case)
    if hours is None:
        return None
    where, moment = case.place, moment_of(case)
    span = span_at(where.zones, hours, moment)
    if span is not None and span.start <= moment:
        return None
    time = "It is" if moment == case.now else "The time it is scheduled for is"
    return Finding(
        rule="quiet_hours",
        verdict=Verdict.HOLD,
        reason=f"{time} not between {hours.words} {_where(where)}",
        next_step="wait: it goes by itself" if span else "say where they are: set their time zone",
        until=span and span.start,
    )


def _where(where: Place) -> str:
    if len(where.zones) == 1:
        return f"where they are ({where.zones[0]})"
    more = ", ..." if len(where.zones) > NAMED_AT_MOST else ""
    return f"everywhere they may be ({', '.join(where.zones[:NAMED_AT_MOST])}{more})"
