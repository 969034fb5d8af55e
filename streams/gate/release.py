"""What waits is judged afresh, in order of request, when consent changes or its time has come."""

from __future__ import annotations

from datetime import datetime

from schemas.base import Evidence
from streams.gate.follow import Pending
from streams.gate.judge import Judged, judge
from streams.gate.limits import RELEASE_AT_ONCE
from streams.gate.rows import NUMBER, HeldRow, MessageRow, NumberRow, message_row
from streams.step import NOTHING, Publication, Row, Rows, Settings, Step, one_by_one


def judged_anew(
    rows: Rows, number: NumberRow, place: Evidence, now: datetime, settings: Settings
) -> Step:
    """Everything held for the number, under its new row `number`, which is in the step as well.  At most
    RELEASE_AT_ONCE here; the rest is woken one by one, in the order in which it came, so that no step grows without
    bound."""
    names = list(rows.names("held/"))
    waiting = [
        held for name in names[:RELEASE_AT_ONCE] if (held := rows.get(name, HeldRow)) is not None
    ]
    waiting.sort(key=lambda held: (held.request.requested_at, held.request.message_id))
    changed: dict[str, Row | None] = {}
    publish: list[Publication] = []
    wake: dict[str, datetime | None] = one_by_one(names[RELEASE_AT_ONCE:], now)
    for held in waiting:
        number, step = _again(rows, held, number, place, now, settings)
        changed |= step.rows
        publish += step.publish
        wake |= step.wake
    changed[NUMBER] = number
    return Step(changed, tuple(publish), wake)


def judged_when_due(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    """One held request whose wake has come; the decision's evidence is the request itself."""
    held = rows.get(name, HeldRow)
    if held is None:
        return NOTHING
    number = rows.get(NUMBER, NumberRow) or NumberRow()
    after, step = _again(rows, held, number, held.place, now, settings)
    return with_number(number, after, step)


def _again(
    rows: Rows, held: HeldRow, number: NumberRow, place: Evidence, now: datetime, settings: Settings
) -> Judged:
    message = rows.get(message_row(held.request.message_id), MessageRow)
    if message is None:
        raise LookupError("a held request without its message row")
    return judge(Pending(held.request, message, place, held), number, now, settings)


def with_number(before: NumberRow, after: NumberRow, step: Step) -> Step:
    """The step, with the number's row if that has changed."""
    return step if after is before else step._replace(rows={**step.rows, NUMBER: after})
