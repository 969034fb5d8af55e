"""Where a number's consent stands, told to readers: at once when that changes; how many texts wait, a second later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.consent_status import ConsentStatus
from schemas.topics import CONSENT_STATUS
from streams.gate.asks import SETTLED, again_at, asking
from streams.gate.own import is_ours
from streams.gate.state import HELD, NUMBER, NumberRow
from streams.processing import NO_CHANGE, Publication, Settings, StateStore, StepResult

TELL_AFTER: Final = timedelta(seconds=1)
"""A thousand texts held for one number in a second change its status once."""


def with_status(state: StateStore, step: StepResult, now: datetime) -> StepResult:
    """The step, with the status if there is news."""
    waits_change = any(name.startswith(HELD) for name in step.state)
    if NUMBER not in step.state and not waits_change:
        return step
    before = state.get(NUMBER, NumberRow) or NumberRow()
    after: Any = step.state.get(NUMBER, before)
    if _news(before) != _news(after):
        held = _held(state, step)
        told = after.model_copy(update={"told_held": held})
        status = Publication(CONSENT_STATUS, _status(state.entity_key, told, held, now))
        return step._replace(state={**step.state, NUMBER: told}, publish=(*step.publish, status))
    if waits_change and after.tell_at is None:
        later = after.model_copy(update={"tell_at": now + TELL_AFTER})
        return step._replace(
            state={**step.state, NUMBER: later}, timers={**step.timers, NUMBER: later.tell_at}
        )
    return step


def tell_held(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    row, held = state.get(NUMBER, NumberRow), _held(state, NO_CHANGE)
    if row is None:
        return NO_CHANGE
    told = row.model_copy(update={"tell_at": None, "told_held": held})
    if held == (row.told_held or 0):
        return StepResult({NUMBER: told})
    return StepResult(
        {NUMBER: told}, (Publication(CONSENT_STATUS, _status(state.entity_key, told, held, now)),)
    )


def _news(row: NumberRow) -> tuple[Any, ...]:
    ask = asking(row)
    return row.state, row.epoch, ask.at, ask.last


def _held(state: StateStore, step: StepResult) -> int:
    """Texts that wait after the step, without our own."""
    gone = {name for name, row in step.state.items() if row is None}
    names = {*state.names(HELD), *(name for name in step.state if name.startswith(HELD))} - gone
    return sum(not is_ours(name.removeprefix(HELD)) for name in names)


def _status(entity_key: str, row: NumberRow, held: int, now: datetime) -> ConsentStatus:
    tenant, _, number = entity_key.partition("/")
    ask = asking(row)
    return ConsentStatus(
        tenant=tenant,
        number=number,
        state=row.state,
        consent_epoch=row.epoch,
        since=datetime.fromtimestamp(row.since_ms / 1000, UTC) if row.since_ms else ask.at or now,
        source=row.source,
        asked_at=ask.at,
        ask_again_at=None if row.state in SETTLED else again_at(row),
        held=held,
        log_seq=row.log_seq,
        log_hash=row.log_hash,
    )
