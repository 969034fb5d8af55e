from __future__ import annotations

from schemas.consent_status import ConsentState
from schemas.decision import Finding, Verdict
from streams.gate.asks import again_at, asking
from streams.gate.case import Case
from streams.gate.rows import Ask
from streams.reasons import NOT_OPTED_IN, moment


def not_opted_in(case: Case) -> Finding | None:
    """The text waits for the recipient's yes; the next step tells where the opt-in request stands."""
    if case.without_opt_in or case.standing.state not in (ConsentState.NONE, ConsentState.PENDING):
        return None
    return NOT_OPTED_IN.but(_next_step(case)).finding(Verdict.HOLD)


def _next_step(case: Case) -> str:
    ask, free = asking(case.standing), again_at(case.standing)
    if case.tenant is None or ask.last is Ask.NONE:
        return NOT_OPTED_IN.next_step
    if ask.last is Ask.WAITING:
        return "wait: they are asked by text as soon as that may be"
    if free is None or ask.at is None:
        return "the opt-in request did not reach them: ask again by hand, or record their consent"
    zone = case.tenant.zone
    again = "now" if free <= case.now else f"from {moment(free, zone)}"
    return f"wait: they were asked {moment(ask.at, zone)}; they may be asked again, by hand, {again}"
