from __future__ import annotations

from schemas.decision import Finding, Verdict
from schemas.own_kind import OwnKind
from streams.gate.asks import no_room_until
from streams.gate.case import Case


def ask_budget(case: Case) -> Finding | None:
    """Unknown numbers cost money.  Dispatch, where all that a tenant asks comes together, says when there is room."""
    until = no_room_until(case.standing, case.now)
    if not case.own or case.request.kind != OwnKind.CONSENT_ASK or until is None:
        return None
    return Finding(
        rule="ask_budget",
        verdict=Verdict.HOLD,
        reason="This hour's opt-in requests are used up",
        next_step="raise asks_per_hour, or wait: it goes by itself",
        until=until,
    )
