"""What waits is judged afresh, in order of request, when consent changes or its time has come."""

from __future__ import annotations

from datetime import datetime

from schemas.base import Evidence
from streams.gate.follow import Pending
from streams.gate.judge import Judged, judge
from streams.gate.limits import RELEASE_AT_ONCE
from streams.gate.state import NUMBER, HeldRow, MessageRow, NumberRow, message_row
from streams.processing import (
    NO_CHANGE,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    spread_timers,
)


def judged_anew(
    state: StateStore, number: NumberRow, place: Evidence, now: datetime, settings: Settings
) -> StepResult:
    """Everything held for the number, under its new row `number`, which is in the step as well.  At most
    RELEASE_AT_ONCE here; the rest is woken one by one, in the order in which it came, so that no step grows without
    bound."""
    names = list(state.names("held/"))
    waiting = [
        held for name in names[:RELEASE_AT_ONCE] if (held := state.get(name, HeldRow)) is not None
    ]
    waiting.sort(key=lambda held: (held.request.requested_at, held.request.message_id))
    changed: dict[str, StateEntry | None] = {}
    publish: list[Publication] = []
    timer: dict[str, datetime | None] = spread_timers(names[RELEASE_AT_ONCE:], now)
    for held in waiting:
        number, step = _again(state, held, number, place, now, settings)
        changed |= step.state
        publish += step.publish
        timer |= step.timers
    changed[NUMBER] = number
    return StepResult(changed, tuple(publish), timer)


def judged_when_due(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """One held request whose wake has come; the decision's evidence is the request itself."""
    held = state.get(name, HeldRow)
    if held is None:
        return NO_CHANGE
    number = state.get(NUMBER, NumberRow) or NumberRow()
    after, step = _again(state, held, number, held.place, now, settings)
    return with_number(number, after, step)


def _again(
    state: StateStore,
    held: HeldRow,
    number: NumberRow,
    place: Evidence,
    now: datetime,
    settings: Settings,
) -> Judged:
    message = state.get(message_row(held.request.message_id), MessageRow)
    if message is None:
        raise LookupError("a held request without its message row")
    return judge(Pending(held.request, message, place, held), number, now, settings)


def with_number(before: NumberRow, after: NumberRow, step: StepResult) -> StepResult:
    """The step, with the number's row if that has changed."""
    return step if after is before else step._replace(state={**step.state, NUMBER: after})
