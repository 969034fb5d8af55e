from __future__ import annotations

from typing import Final

from schemas.decision import Finding, Verdict
from schemas.system_kind import SystemKind
from streams.gate.case import Case

OWED: Final = frozenset({SystemKind.STOP_CONFIRMATION, SystemKind.HELP_ANSWER})
"""Whoever writes STOP or HELP is answered, whatever the tenant has paid for."""


def not_entitled(case: Case) -> Finding | None:
    if case.tenant is None or case.tenant.entitled or (case.own and case.request.kind in OWED):
        return None
    return Finding(
        rule="not_entitled",
        verdict=Verdict.REJECT,
        reason="This tenant is not entitled to send texts",
        next_step="have texting switched on for it, then send again",
    )
