"""States have narrower hours for marketing, and some none on Sundays or holidays."""

from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.window import moment_of, opens, state_rules


def marketing_hours(case: Case) -> Finding | None:
    """The end of the wait is fit in every way: neither too early for the state nor in the quiet hours."""
    rules = state_rules(case)
    if rules is None:
        return None
    moment = moment_of(case)
    until = opens(case, moment)
    if until == moment:
        return None
    where = case.place.state or "the US"
    return Finding(
        rule="marketing_hours",
        verdict=Verdict.HOLD,
        reason=f"Marketing may not reach them at this hour or on this day in {where} ({rules.law})",
        next_step="wait: it goes by itself"
        if until
        else "say where they are: set their postal region and time zone",
        until=until,
    )
