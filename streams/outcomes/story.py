"""A message's state, as a function of what is known of it and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.attempt import AttemptState
from schemas.decision import Verdict
from streams.error_codes import meaning
from streams.lifecycle import DECISION, TABLE, State
from streams.outcomes.attempts import Standing, billed, code_of, contradictions, ours, standing
from streams.outcomes.state import Judged, Life, Report, Told


class Story(NamedTuple):
    """`reports`: those of the attempt that matters.  `attempts`: of each attempt the reports about this text."""

    state: State
    at: Standing | None
    reports: tuple[Report, ...]
    attempts: Mapping[int, tuple[Report, ...]]


def story(life: Life) -> Story | None:
    """The decision's state, unless the attempt has more to say: once a text is on its way no decision takes it back.
    None before any decision."""
    judged = life.judged
    if judged is None:
        return None
    decided = TABLE[DECISION, judged.verdict].state
    told = {number: ours(reports, life.to) for number, reports in life.attempts.items()}
    at = max([standing(number, reports) for number, reports in told.items()], default=None)
    if at is None or at.weight == 0:
        return Story(decided, None, (), told)
    if _judged_since(judged, at, told[at.number]):
        return Story(decided, None, told[at.number], told)
    if judged.verdict is Verdict.SEND or at.beyond_recall:
        return Story(at.state, at, told[at.number], told)
    return Story(decided, None, told[at.number], told)


def _judged_since(judged: Judged, at: Standing, reports: tuple[Report, ...]) -> bool:
    """Handed back, and let go again after that: it waits its turn at the sender, also where dispatch has forgotten that
    it had it before and counts from 0 again."""
    if judged.verdict is not Verdict.SEND or judged.seq == 1 or at.state is not State.HELD:
        return False
    return all(
        report.at < judged.decided_at for report in reports if report.word == AttemptState.EXPIRED
    )


def told(judged: Judged, known: Story) -> Told:
    state, at, reports, attempts = known
    code = None if at is None else code_of(at, reports)
    sender = min([report.sender for report in reports if report.sender], default=judged.sender)
    counted = billed(attempts, judged.segments)
    return Told(
        state=state,
        error_code=code,
        segments=judged.segments if counted is None else counted,
        segments_predicted=judged.segments,
        segments_billed=counted,
        contradictions=() if at is None else contradictions(at, reports),
        sender=sender,
        next_step=meaning(code).next_step if code else judged.next_step if at is None else None,
    )
