"""No more than so many texts of a kind to one recipient: the tenant's caps, and for marketing those of some states."""

from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.caps import Limit, frees_at, limits
from streams.gate.case import Case
from streams.gate.window import moment_of, opens


def frequency_cap(case: Case) -> Finding | None:
    times = case.standing.texted_ms.get(case.request.kind) if case.standing.texted_ms else None
    if not times:
        return None
    moment = moment_of(case)
    full = [
        (end, limit) for limit in limits(case) if (end := frees_at(times, limit, moment)) > moment
    ]
    if not full:
        return None
    end, limit = max(full, key=lambda each: each[0])
    return Finding(
        rule="frequency_cap",
        verdict=Verdict.HOLD,
        reason=f"They have had {limit.texts} {case.request.kind} {_texts(limit)} in {limit.words}",
        next_step="wait: it goes by itself",
        until=opens(case, end),
    )


def _texts(limit: Limit) -> str:
    return "text" if limit.texts == 1 else "texts"
