"""When one text may be sent: quiet hours, marketing hours, frequency caps, and clocks that
differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.send_request import Kind
from schemas.when import TEXTS_AT_MOST, Cap
from streams.gate.rule_context import RuleContext
from streams.gate.state import NumberState
from streams.local_time import open_hours
from streams.local_time.local_hours import Hours, StateRules, span_at

FORESEEABLE: Final = timedelta(days=400)
"""Nobody knows what the clocks will show later than that."""


# --- hours


def evaluation_time(context: RuleContext) -> datetime:
    """When it would be sent if nothing else held it: a scheduled text is evaluated for the hour
    it is meant for."""
    start = context.request.not_before
    if start is not None and context.now < start < context.now + FORESEEABLE:
        return start
    return context.now


def quiet_hours_for(context: RuleContext) -> Hours | None:
    """The hours that the tenant's quiet hours leave open; None: all of the day."""
    return open_hours.quiet_hours_for(context.tenant, context.request.kind)


def marketing_rules_for(context: RuleContext) -> StateRules | None:
    """What the law of the recipient's state says about this text; None: nothing."""
    return open_hours.marketing_rules_for(context.tenant, context.request.kind, context.location)


def open_hours_for(context: RuleContext) -> Hours | None:
    """The hours that everything leaves open; None: all of the day."""
    return open_hours.open_hours_for(context.tenant, context.request.kind, context.location)


def next_open_time(context: RuleContext, moment: datetime) -> datetime | None:
    """The first allowed moment from this one on; None: there is none, wherever they may be."""
    return open_hours.next_open_time(context.location.zones, open_hours_for(context), moment)


def closing_time(context: RuleContext) -> datetime | None:
    """When it becomes too late for what may be sent now; None: the hour does not matter."""
    hours = open_hours_for(context)
    span = None if hours is None else span_at(context.location.zones, hours, context.now)
    return None if span is None else span.end


# --- frequency caps: how many texts of a kind a number was sent lately
#
# A text counts when its order is issued; an order that comes back unsent is taken off again.  Only
# kinds with a cap are counted.  Marketing always is, so that a cap set later applies at once.

DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

DEFAULT_CAPS: Final[dict[str, Cap]] = {Kind.MARKETING: Cap(day=3, week=10)}
"""For kinds that the tenant has not named."""


class CapLimit(NamedTuple):
    """At most `texts` in any `ms`."""

    texts: int
    ms: int
    words: str


def cap_limits(context: RuleContext) -> Iterator[CapLimit]:
    kind = context.request.kind
    by_kind: Mapping[str, Cap] = context.tenant.when.caps if context.tenant else {}
    cap = by_kind.get(kind) or DEFAULT_CAPS.get(kind)
    if cap and cap.day:
        yield CapLimit(cap.day, DAY_MS, "24 hours, the tenant's cap")
    if cap and cap.week:
        yield CapLimit(cap.week, WEEK_MS, "seven days, the tenant's cap")
    rules = marketing_rules_for(context)
    if rules and rules.per_day:
        yield CapLimit(rules.per_day, DAY_MS, f"24 hours, the most by law ({rules.law})")


def next_allowed_at(times: tuple[int, ...], limit: CapLimit, moment: datetime) -> datetime:
    """From when on one more text is within the limit; `moment` or earlier: it is now."""
    if len(times) < limit.texts:
        return moment
    return datetime.fromtimestamp((times[-limit.texts] + limit.ms) / 1000, UTC)


def record_send(number: NumberState, context: RuleContext) -> NumberState:
    """Count an order of this context."""
    kind = context.request.kind
    if kind not in DEFAULT_CAPS and (
        context.tenant is None or kind not in context.tenant.when.caps
    ):
        return number
    before = number.texted_ms or {}
    times = (*before.get(kind, ()), _round_up_to_ms(context.now))[-TEXTS_AT_MOST:]
    return number.model_copy(update={"texted_ms": {**before, kind: times}})


def undo_send(number: NumberState, kind: str, issued_at: datetime | None) -> NumberState:
    """Take an order that came back off the count; None: no order is out."""
    if issued_at is None or not number.texted_ms:
        return number
    times = list(number.texted_ms.get(kind, ()))
    at = _round_up_to_ms(issued_at)
    if at not in times:
        return number
    times.remove(at)
    return number.model_copy(update={"texted_ms": {**number.texted_ms, kind: tuple(times)}})


def _round_up_to_ms(moment: datetime) -> int:
    """Up, so that a cap never allows a text too early."""
    return -((_EPOCH - moment) // timedelta(milliseconds=1))


# --- clocks that differ
#
# A record may be older than now by any time: it lay in a backlog.  It cannot be newer.  If its
# append time is, our clock or the broker's is wrong, and nothing that depends on the time can be
# decided.

SKEW_ALLOWED: Final = timedelta(seconds=5)
CLOCKS_DIFFER: Final = (
    "the clocks of this worker and of the broker differ by more than 5 seconds: "
    "nothing that depends on the time is decided"
)


def clock_behind(number: NumberState, now: datetime) -> datetime | None:
    """The append time of the latest consent record if our clock has not come near it yet."""
    appended = datetime.fromtimestamp(number.latest_ms / 1000, UTC)
    return appended if appended - now > SKEW_ALLOWED else None
