from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def unknown_tenant(case: Case) -> Finding | None:
    """Without settings there is no sender to text from and no policy to keep."""
    if case.tenant is not None:
        return None
    return Finding(
        rule="unknown_tenant",
        verdict=Verdict.REJECT,
        reason="This tenant has no settings",
        next_step="apply its settings first, then send again",
    )
