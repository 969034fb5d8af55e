"""Ask every rule, keep every finding, obey the strictest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from schemas.decision import Finding, Verdict
from streams.gate.case import Case, Rule
from streams.gate.rules import RULES


class Ruling(NamedTuple):
    """`until`: when to look again, if the clock alone can change it."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    until: datetime | None = None


CLEAR: Final = Ruling(Verdict.SEND)


def decide(case: Case, rules: Iterable[Rule] = RULES) -> Ruling:
    return ruling([found for rule in rules if (found := rule(case)) is not None])


def ruling(findings: list[Finding]) -> Ruling:
    if not findings:
        return CLEAR
    verdict = max((found.verdict for found in findings), key=lambda each: each.strictness)
    return Ruling(verdict, tuple(findings), _until(findings) if verdict is Verdict.HOLD else None)


def _until(findings: list[Finding]) -> datetime | None:
    """All holds must be over; one that waits for a fact rather than the clock has no time."""
    ends = [found.until for found in findings if found.verdict is Verdict.HOLD]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
