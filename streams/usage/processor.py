"""Count each message of a tenant in one cell of the usage report.

Theory of operation
-------------------
A **cell** is one line of the report: a branch, sender, day, kind, state and error code.  A message
stands in exactly one cell, that of the last version of its outcome; one in test mode in none.

- Each outcome has a `version`.  We remember per message the version that we counted, its cell, and
  what it added there (`CountedMessage`).  An older version or a repeat changes nothing.
- A new version takes off what the message added before, and adds what it is now.  So the cells
  always hold absolute counts of the messages that stand in them.
- The report's topic is compacted and its values are absolute: the last value of a key is the truth,
  however often it was written.
- The changes of a batch are summed per cell and published once at its end (`StateStore.pending`): a
  thousand messages are one line of the report, not three thousand.
- We forget a message when it has not changed for 45 days.  Should it change after that, the outcome
  itself says what the version before it was (`was`).
- A cell's line becomes `final` when its day can no longer change.
"""

from __future__ import annotations

from datetime import date, datetime

from schemas.outcome import Outcome
from schemas.reports import OtherCost, UsageRow
from schemas.topics import USAGE_REPORT
from streams.error_codes import lookup
from streams.processing import NO_CHANGE, InputRecord, Publication, Settings, StateStore, StepResult
from streams.usage.measure import OPEN, closing_time, local_day, measure, zone_of
from streams.usage.state import (
    CELLS,
    MAX_NAME,
    Amounts,
    Cell,
    CellChange,
    CountedMessage,
    Sums,
    list_costs,
    message_name,
)


def usage(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    outcome = record.value
    if not isinstance(outcome, Outcome) or outcome.test_mode:
        return NO_CHANGE
    name = message_name(outcome.message_id)
    known = state.get(name, CountedMessage)
    if known is not None and known.version >= outcome.version:
        return NO_CHANGE
    if known is not None:
        day = known.period
    else:
        day = local_day(outcome.requested_at, zone_of(state.entity_key, settings))
    cell = _cell_of(outcome, day, outcome.state, outcome.error_code)
    adds = measure(outcome, outcome, day, settings)
    _move(state, _find_counted(state, outcome, known, day, now, settings), cell, adds)
    counted = CountedMessage(
        version=outcome.version,
        cell=cell.name,
        period=day,
        currency=adds.currency,
        **adds.sums._asdict(),
    )
    return StepResult({name: counted}, (), {name: now + OPEN})


def usage_finish(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    """Publish one line for each cell that the batch has changed, also for one that is now empty and
    deleted."""
    changes: dict[str, CellChange] = state.pending
    cells = {
        name: cell
        for name, change in changes.items()
        if (cell := change.apply()) is not change.cell
    }
    lines = tuple(_line(state.entity_key, cell, now, settings) for cell in cells.values())
    zone = zone_of(state.entity_key, settings)
    timers = {
        name: closing_time(cell.period, zone)
        for name, cell in cells.items()
        if name not in state.raw
    }
    kept = {name: cell if cell.messages else None for name, cell in cells.items()}
    return StepResult(kept, lines, timers)


def usage_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """Forget a message that has not changed for long; publish a cell as final when its day is
    closed."""
    if not name.startswith(CELLS):
        return StepResult(state={name: None})
    cell = state.get(name, Cell)
    if cell is None:
        return NO_CHANGE
    end = closing_time(cell.period, zone_of(state.entity_key, settings))
    if end is not None and now < end:
        # The tenant's zone has changed since the timer was set, and the day ends later there.
        return StepResult(timers={name: end})
    return StepResult(publish=(_line(state.entity_key, cell, now, settings),))


def _cell_of(outcome: Outcome, day: date, state: str, code: str | None) -> Cell:
    return Cell(
        branch=(outcome.branch or "")[:MAX_NAME],
        sender=(outcome.sender or "")[:MAX_NAME],
        period=day,
        kind=outcome.kind[:MAX_NAME],
        state=state[:MAX_NAME],
        error_code=code[:MAX_NAME] if code else None,
    )


def _find_counted(
    state: StateStore,
    outcome: Outcome,
    known: CountedMessage | None,
    day: date,
    now: datetime,
    settings: Settings,
) -> tuple[str, Amounts] | None:
    """The cell that the message was counted in, and what it added there.  None if it never was.

    A message that is old enough to have been forgotten says so itself (`was`).  A younger one that
    is new here was never counted: its first versions were replaced within one batch before they
    reached us."""
    if known is not None:
        sums = Sums(
            known.segments,
            known.predicted,
            known.billed,
            known.estimated,
            known.cost,
            known.unpriced,
        )
        return known.cell, Amounts(sums, known.currency)
    if outcome.was is None or now - outcome.requested_at < OPEN:
        return None
    name = _cell_of(outcome, day, outcome.was.state, outcome.was.error_code).name
    exists = name in state.raw or name in (state.pending or ())
    return (name, measure(outcome, outcome.was, day, settings)) if exists else None


def _move(state: StateStore, before: tuple[str, Amounts] | None, to: Cell, adds: Amounts) -> None:
    """Note that the message leaves the one cell and enters the other; `usage_finish` does it."""
    if before == (to.name, adds):
        return
    if before is not None:
        name, amounts = before
        _change_of(state, name).count(-1, amounts)
    _change_of(state, to.name, to).count(1, adds)


def _change_of(state: StateStore, name: str, new: Cell | None = None) -> CellChange:
    if state.pending is None:
        state.pending = {}
    changes: dict[str, CellChange] = state.pending
    if (change := changes.get(name)) is None:
        cell = state.get(name, Cell) or new
        assert cell is not None
        change = changes[name] = CellChange(cell)
    return change


def _line(tenant: str, cell: Cell, now: datetime, settings: Settings) -> Publication:
    end = closing_time(cell.period, zone_of(tenant, settings))
    first, *others = list_costs(cell)
    line = UsageRow(
        tenant=tenant,
        branch=cell.branch,
        sender=cell.sender,
        period=cell.period,
        kind=cell.kind,
        state=cell.state,
        error_code=cell.error_code,
        error_title=lookup(cell.error_code).title if cell.error_code else None,
        messages=cell.messages,
        segments=cell.segments,
        segments_predicted=cell.predicted,
        segments_billed=cell.billed,
        segments_unpriced=cell.unpriced,
        currency=first.currency,
        cost_estimated=first.estimated,
        cost_billed=first.cost,
        other_costs=tuple(
            OtherCost(
                currency=one.currency or "", cost_estimated=one.estimated, cost_billed=one.cost
            )
            for one in others
        ),
        final=end is not None and now >= end,
    )
    return Publication(USAGE_REPORT, line)
