from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case


def sender_cannot_receive(case: Case) -> Finding | None:
    """Nobody could answer START to it, nor STOP."""
    sender = case.senders.get(case.sender)
    if sender is None or sender.hears:
        return None
    return Finding(
        rule="sender_cannot_receive",
        verdict=Verdict.REJECT,
        reason=f"{case.sender} is not set up to receive answers",
        next_step="point its inbound webhook at Sayso, then apply it with hears: true",
    )
