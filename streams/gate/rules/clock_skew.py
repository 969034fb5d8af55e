from __future__ import annotations

from schemas.decision import Finding, Verdict
from streams.gate.case import Case
from streams.gate.skew import SKEWED, behind


def clock_skew(case: Case) -> Finding | None:
    """A consent fact of this number was appended in what is the future here: this clock or the broker's is wrong."""
    heard = behind(case.standing, case.now)
    if heard is None:
        return None
    return Finding(
        rule="clock_skew",
        verdict=Verdict.HOLD,
        reason=SKEWED[0].upper() + SKEWED[1:],
        next_step="set the clocks by NTP: it is judged when this one has caught up",
        until=heard,
    )
