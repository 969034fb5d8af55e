from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.kinds import LANES, WITHOUT_OPT_IN


def unknown_kind(case: Case) -> Finding | None:
    """The kinds that Sayso starts are its own: nobody can ask for one."""
    if case.request.kind in (WITHOUT_OPT_IN if case.own else LANES):
        return None
    return Finding(
        rule="unknown_kind",
        verdict=Verdict.REJECT,
        reason=f"There is no kind of text named {case.request.kind[:40]!r}",
        next_step=f"use one of {', '.join(LANES)}",
    )
