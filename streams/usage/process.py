"""The usage room: a tenant's messages, each counted in one cell of the report, that of its last outcome.

The report's values are absolute: whoever reads the last one of each key has the truth, however often it was sent.
What a batch changes in a cell is added up, and told once at its end: a thousand messages are one line, not three.
"""

from __future__ import annotations

from datetime import date, datetime

from schemas.outcome import Outcome
from schemas.topics import USAGE_REPORT
from schemas.usage_row import OtherCost, UsageRow
from streams.error_codes import meaning
from streams.processing import NO_CHANGE, InputRecord, Publication, Settings, StateStore, StepResult
from streams.usage.cell import Change, costs
from streams.usage.count import Counted, Sums, counted
from streams.usage.period import OPEN, closes, day_of, zone_of
from streams.usage.state import CELLS, LONGEST, CellRow, CountedRow, message_name


def usage(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    if not isinstance(record.value, Outcome):
        return NO_CHANGE
    outcome = record.value
    name = message_name(outcome.message_id)
    known = state.get(name, CountedRow)
    if known is not None and known.version >= outcome.version:
        return NO_CHANGE
    day = (
        known.period if known else day_of(outcome.requested_at, zone_of(state.entity_key, settings))
    )
    cell, adds = (
        _cell(outcome, day, outcome.state, outcome.error_code),
        counted(outcome, outcome, day, settings),
    )
    _move(state, _counted_in(state, outcome, known, day, now, settings), cell, adds)
    segments, predicted, billed, estimated, cost, unpriced = adds.sums
    stands = CountedRow(
        version=outcome.version,
        cell=cell.name,
        period=day,
        currency=adds.currency,
        segments=segments,
        predicted=predicted,
        billed=billed,
        estimated=estimated,
        cost=cost,
        unpriced=unpriced,
    )
    return StepResult({name: stands}, (), {name: now + OPEN})


def usage_finish(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    """One line for each cell that the batch has changed; for one that is left empty too, and its row goes."""
    changes: dict[str, Change] = state.pending
    cells = {
        name: cell
        for name, change in changes.items()
        if (cell := change.applied()) is not change.cell
    }
    lines = tuple(_line(state.entity_key, cell, now, settings) for cell in cells.values())
    tallies = {name: cell if cell.messages else None for name, cell in cells.items()}
    return StepResult(tallies, lines, _ends(state, cells, settings))


def usage_woke(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """A message that has not changed for long is forgotten; a cell whose day can no longer change is final."""
    if not name.startswith(CELLS):
        return StepResult(state={name: None})
    cell = state.get(name, CellRow)
    if cell is None:
        return NO_CHANGE
    end = closes(cell.period, zone_of(state.entity_key, settings))
    if (
        end is not None and now < end
    ):  # the tenant's zone has changed since, and its day ends later there
        return StepResult(timers={name: end})
    return StepResult(publish=(_line(state.entity_key, cell, now, settings),))


def _cell(outcome: Outcome, day: date, state: str, code: str | None) -> CellRow:
    return CellRow(
        branch=(outcome.branch or "")[:LONGEST],
        sender=(outcome.sender or "")[:LONGEST],
        period=day,
        kind=outcome.kind[:LONGEST],
        state=state[:LONGEST],
        error_code=code[:LONGEST] if code else None,
    )


def _counted_in(
    state: StateStore,
    outcome: Outcome,
    known: CountedRow | None,
    day: date,
    now: datetime,
    settings: Settings,
) -> tuple[str, Counted] | None:
    """The cell it was counted in, and what it added there.  A message old enough to have been forgotten says so
    itself (`was`); a younger one that is new here was never counted: its first versions were overtaken."""
    if known is not None:
        sums = Sums(
            known.segments,
            known.predicted,
            known.billed,
            known.estimated,
            known.cost,
            known.unpriced,
        )
        return known.cell, Counted(sums, known.currency)
    if outcome.was is None or now - outcome.requested_at < OPEN:
        return None
    name = _cell(outcome, day, outcome.was.state, outcome.was.error_code).name
    there = name in state.raw or name in (state.pending or ())
    return (name, counted(outcome, outcome.was, day, settings)) if there else None


def _move(
    state: StateStore, before: tuple[str, Counted] | None, to: CellRow, adds: Counted
) -> None:
    """From the cell it was counted in to the one where it stands now: noted, and done when the batch ends."""
    if before == (to.name, adds):
        return
    if before is not None:
        name, taken = before
        _change(state, name).count(-1, taken)
    _change(state, to.name, to).count(1, adds)


def _change(state: StateStore, name: str, new: CellRow | None = None) -> Change:
    if state.pending is None:
        state.pending = {}
    changes: dict[str, Change] = state.pending
    if (change := changes.get(name)) is None:
        cell = state.get(name, CellRow) or new
        assert cell is not None
        change = changes[name] = Change(cell)
    return change


def _ends(
    state: StateStore, cells: dict[str, CellRow], settings: Settings
) -> dict[str, datetime | None]:
    """When a new cell's day can no longer change."""
    zone = zone_of(state.entity_key, settings)
    return {
        name: closes(cell.period, zone) for name, cell in cells.items() if name not in state.raw
    }


def _line(tenant: str, cell: CellRow, now: datetime, settings: Settings) -> Publication:
    end = closes(cell.period, zone_of(tenant, settings))
    first, *others = costs(cell)
    line = UsageRow(
        tenant=tenant,
        branch=cell.branch,
        sender=cell.sender,
        period=cell.period,
        kind=cell.kind,
        state=cell.state,
        error_code=cell.error_code,
        error_title=meaning(cell.error_code).title if cell.error_code else None,
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
