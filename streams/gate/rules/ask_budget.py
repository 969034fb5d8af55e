from __future__ import annotations

from schemas.decision import Finding, Verdict
from schemas.system_kind import SystemKind
from streams.gate.asks import no_room_until, why_no_room
from streams.gate.case import Case


def ask_budget(case: Case) -> Finding | None:
    """Unknown numbers cost money.  Dispatch, where all that a tenant asks comes together, says when there is room, in
    the tenant's budget as a rule, else at the sender."""
    until = no_room_until(case.standing, case.now)
    if not case.own or case.request.kind != SystemKind.CONSENT_ASK or until is None:
        return None
    return why_no_room(case.standing).finding(Verdict.HOLD).model_copy(update={"until": until})
