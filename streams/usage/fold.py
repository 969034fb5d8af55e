"""The usage room: a tenant's messages, each counted in one cell of the report, that of its last outcome.

The report's values are absolute: whoever reads the last one of each key has the truth, however often it was sent.
"""

from __future__ import annotations

from datetime import date, datetime

from msgspec.structs import asdict

from schemas.outcome import Outcome
from schemas.topics import USAGE_REPORT
from schemas.usage_row import OtherCost, UsageRow
from streams.codes import meaning
from streams.step import NOTHING, Fact, Publication, Rows, Settings, Step
from streams.usage.cell import costs, with_counted
from streams.usage.count import Counted, counted
from streams.usage.period import OPEN, closes, day_of, zone_of
from streams.usage.rows import CELLS, LONGEST, CellRow, CountedRow, counts_in, message_name


def usage(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    if not isinstance(fact.value, Outcome):
        return NOTHING
    outcome = fact.value
    name = message_name(outcome.message_id)
    known = rows.get(name, CountedRow)
    if known is not None and known.version >= outcome.version:
        return NOTHING
    day = known.period if known else day_of(outcome.requested_at, zone_of(rows.family, settings))
    cell, adds = _cell(outcome, day, outcome.state, outcome.error_code), counted(outcome, outcome, day, settings)
    cells = _moved(rows, _counted_in(rows, outcome, known, day, now, settings), cell, adds)
    stands = CountedRow(
        version=outcome.version, cell=cell.name, period=day, currency=adds.currency, **asdict(adds.counts)
    )
    ends = _ends(rows, cells, settings)
    lines = tuple(_line(rows.family, one, now, settings) for one in cells.values())
    tallies = {place: one if one.messages else None for place, one in cells.items()}
    return Step({name: stands, **tallies}, lines, {name: now + OPEN, **ends})


def usage_woke(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    """A message that has not changed for long is forgotten; a cell whose day can no longer change is final."""
    if not name.startswith(CELLS):
        return Step(rows={name: None})
    cell = rows.get(name, CellRow)
    if cell is None:
        return NOTHING
    end = closes(cell.period, zone_of(rows.family, settings))
    if end is not None and now < end:  # the tenant's zone has changed since, and its day ends later there
        return Step(wake={name: end})
    return Step(publish=(_line(rows.family, cell, now, settings),))


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
    rows: Rows, outcome: Outcome, known: CountedRow | None, day: date, now: datetime, settings: Settings
) -> tuple[str, Counted] | None:
    """The cell it was counted in, and what it added there.  A message old enough to have been forgotten says so
    itself (`was`); a younger one that is new here was never counted: its first versions were overtaken."""
    if known is not None:
        return known.cell, Counted(counts_in(known), known.currency)
    if outcome.was is None or now - outcome.requested_at < OPEN:
        return None
    name = _cell(outcome, day, outcome.was.state, outcome.was.error_code).name
    return (name, counted(outcome, outcome.was, day, settings)) if name in rows.raw else None


def _moved(rows: Rows, before: tuple[str, Counted] | None, to: CellRow, adds: Counted) -> dict[str, CellRow]:
    """The cells whose counts change; one that is left empty is reported as such, and its row dropped."""
    cells = {to.name: rows.get(to.name, CellRow) or to}
    if before is not None:
        name, taken = before
        if (name, taken) == (to.name, adds):
            return {}
        left = cells.get(name) or rows.get(name, CellRow)
        assert left is not None
        cells[name] = with_counted(left, -1, taken)
    return cells | {to.name: with_counted(cells[to.name], 1, adds)}


def _ends(rows: Rows, cells: dict[str, CellRow], settings: Settings) -> dict[str, datetime | None]:
    """When a new cell's day can no longer change."""
    zone = zone_of(rows.family, settings)
    return {name: closes(cell.period, zone) for name, cell in cells.items() if name not in rows.raw}


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
            OtherCost(currency=one.currency or "", cost_estimated=one.estimated, cost_billed=one.cost) for one in others
        ),
        final=end is not None and now >= end,
    )
    return Publication(USAGE_REPORT, line)
