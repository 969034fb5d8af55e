"""Where a number's consent stands, told to readers: at once when that changes; how many texts wait, a second later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.consent_status import ConsentStatus
from schemas.topics import CONSENT_STATUS
from streams.gate.asks import SETTLED, again_at, asking
from streams.gate.own import is_ours
from streams.gate.rows import HELD, NUMBER, NumberRow
from streams.step import NOTHING, Publication, Rows, Settings, Step

TELL_AFTER: Final = timedelta(seconds=1)
"""A thousand texts held for one number in a second change its status once."""


def with_status(rows: Rows, step: Step, now: datetime) -> Step:
    """The step, with the status if there is news."""
    waits_change = any(name.startswith(HELD) for name in step.rows)
    if NUMBER not in step.rows and not waits_change:
        return step
    before = rows.get(NUMBER, NumberRow) or NumberRow()
    after: Any = step.rows.get(NUMBER, before)
    if _news(before) != _news(after):
        held = _held(rows, step)
        told = after.model_copy(update={"told_held": held})
        status = Publication(CONSENT_STATUS, _status(rows.family, told, held, now))
        return step._replace(rows={**step.rows, NUMBER: told}, publish=(*step.publish, status))
    if waits_change and after.tell_at is None:
        later = after.model_copy(update={"tell_at": now + TELL_AFTER})
        return step._replace(
            rows={**step.rows, NUMBER: later}, wake={**step.wake, NUMBER: later.tell_at}
        )
    return step


def tell_held(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    row, held = rows.get(NUMBER, NumberRow), _held(rows, NOTHING)
    if row is None:
        return NOTHING
    told = row.model_copy(update={"tell_at": None, "told_held": held})
    if held == (row.told_held or 0):
        return Step({NUMBER: told})
    return Step(
        {NUMBER: told}, (Publication(CONSENT_STATUS, _status(rows.family, told, held, now)),)
    )


def _news(row: NumberRow) -> tuple[Any, ...]:
    ask = asking(row)
    return row.state, row.epoch, ask.at, ask.last


def _held(rows: Rows, step: Step) -> int:
    """Texts that wait after the step, without our own."""
    gone = {name for name, row in step.rows.items() if row is None}
    names = {*rows.names(HELD), *(name for name in step.rows if name.startswith(HELD))} - gone
    return sum(not is_ours(name.removeprefix(HELD)) for name in names)


def _status(family: str, row: NumberRow, held: int, now: datetime) -> ConsentStatus:
    tenant, _, number = family.partition("/")
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
