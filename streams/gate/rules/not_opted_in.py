from __future__ import annotations

from datetime import datetime

from schemas.consent_status import ConsentState
from schemas.decision import Finding, Verdict
from streams.gate.asks import again_at, asking, no_room_until
from streams.gate.case import Case
from streams.gate.state import Ask
from streams.reasons import NOT_OPTED_IN, moment


def not_opted_in(case: Case) -> Finding | None:
    """The text waits for the recipient's yes; the next step tells where the opt-in request stands.  `until` is set
    where the clock changes what it tells: the request waits for room in the tenant's budget."""
    if case.without_opt_in or case.standing.state not in (ConsentState.NONE, ConsentState.PENDING):
        return None
    found = NOT_OPTED_IN.but(_next_step(case)).finding(Verdict.HOLD)
    return found.model_copy(update={"until": _asked_from(case)})


def _asked_from(case: Case) -> datetime | None:
    waits = asking(case.standing).last is Ask.WAITING
    return no_room_until(case.standing, case.now) if waits else None


def _next_step(case: Case) -> str:
    ask, free = asking(case.standing), again_at(case.standing)
    if case.tenant is None or ask.last is Ask.NONE:
        return NOT_OPTED_IN.next_step
    if (processor := _asked_from(case)) is not None:
        asked = moment(processor, case.tenant.zone)
        return f"wait: this hour's opt-in requests are used up; they are asked by text from {asked}"
    if ask.last is Ask.WAITING:
        return "wait: they are asked by text as soon as that may be"
    if free is None or ask.at is None:
        return "the opt-in request did not reach them: ask again by hand, or record their consent"
    zone = case.tenant.zone
    again = "now" if free <= case.now else f"from {moment(free, zone)}"
    return (
        f"wait: they were asked {moment(ask.at, zone)}; they may be asked again, by hand, {again}"
    )
