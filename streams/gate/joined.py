"""Several steps of one family as one."""

from __future__ import annotations

from datetime import datetime

from streams.processing import Publication, StateEntry, StepResult


def joined(*steps: StepResult) -> StepResult:
    """In their order: of a row that several change, the last is kept."""
    state: dict[str, StateEntry | None] = {}
    timer: dict[str, datetime | None] = {}
    publish: list[Publication] = []
    for step in steps:
        state |= step.state
        timer |= step.timers
        publish += step.publish
    return StepResult(state, tuple(publish), timer)
