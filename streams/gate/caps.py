"""How many texts of a kind a number was sent lately.

Counted when an order is issued; one that comes back unsent is taken off again.  Only kinds with a cap are counted, and
marketing always, so that a cap set later holds at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.send_request import Kind
from schemas.when import TEXTS_AT_MOST, Cap
from streams.gate.case import Case
from streams.gate.state import NumberRow
from streams.gate.window import state_rules

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS

USUAL: Final[dict[str, Cap]] = {Kind.MARKETING: Cap(day=3, week=10)}
"""For kinds that the tenant has not named."""


class Limit(NamedTuple):
    """`texts` in any `ms`."""

    texts: int
    ms: int
    words: str


def limits(case: Case) -> Iterator[Limit]:
    cap = _cap(case)
    if cap and cap.day:
        yield Limit(cap.day, DAY_MS, "24 hours, the tenant's cap")
    if cap and cap.week:
        yield Limit(cap.week, WEEK_MS, "seven days, the tenant's cap")
    rules = state_rules(case)
    if rules and rules.per_day:
        yield Limit(rules.per_day, DAY_MS, f"24 hours, the most by law ({rules.law})")


def _cap(case: Case) -> Cap | None:
    named: Mapping[str, Cap] = case.tenant.when.caps if case.tenant else {}
    kind = case.request.kind
    return named.get(kind) or USUAL.get(kind)


def frees_at(times: tuple[int, ...], limit: Limit, moment: datetime) -> datetime:
    """From when on one more is within the limit; `moment` or earlier: it is now."""
    if len(times) < limit.texts:
        return moment
    return datetime.fromtimestamp((times[-limit.texts] + limit.ms) / 1000, UTC)


def counted(row: NumberRow, case: Case) -> NumberRow:
    """The row after an order of this case is out."""
    kind = case.request.kind
    if kind not in USUAL and (case.tenant is None or kind not in case.tenant.when.caps):
        return row
    before = row.texted_ms or {}
    times = (*before.get(kind, ()), _ms(case.now))[-TEXTS_AT_MOST:]
    return row.model_copy(update={"texted_ms": {**before, kind: times}})


def _ms(moment: datetime) -> int:
    """Rounded up: a cap never frees too early."""
    return -((_EPOCH - moment) // timedelta(milliseconds=1))


def uncounted(row: NumberRow, kind: str, issued_at: datetime | None) -> NumberRow:
    """The row without an order that came back; None: no order is out."""
    times = list(row.texted_ms.get(kind, ())) if row.texted_ms and issued_at else []
    if issued_at is None or (at := _ms(issued_at)) not in times:
        return row
    times.remove(at)
    return row.model_copy(update={"texted_ms": {**(row.texted_ms or {}), kind: tuple(times)}})
