"""Why an order came back that may go later, and from when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.returned import Returned
from schemas.system_kind import SystemKind
from streams.reasons import Reason

BUDGET: Final = Reason(
    "ask_budget",
    "This hour's opt-in requests are used up",
    "raise asks_per_hour, or wait: it goes by itself",
)
CROWDED: Final = Reason(
    "sender_crowded", "Too many texts stand before it at its sender", "wait: it goes by itself"
)
OVER_THERE: Final = Reason(
    "clock_skew",
    "Its time is over by its sender's clock, and not by this one",
    "wait: it goes by itself; if that takes longer than a moment, set the clocks by NTP",
)
BY_RULE: Final[Mapping[str, Reason]] = {
    reason.rule: reason for reason in (BUDGET, CROWDED, OVER_THERE)
}
TOO_LATE: Final[Mapping[str, str]] = {
    CROWDED.rule: "use a faster sender, or ask earlier",
    OVER_THERE.rule: "set the clocks by NTP",
}
"""What to do where no time is left to wait."""


A_MOMENT: Final = timedelta(minutes=1)
"""What had room long ago by dispatch's clock, which may be behind this one, or the record lay in a backlog."""


class Wait(NamedTuple):
    until: datetime
    why: Reason


def wait_of(returned: Returned, now: datetime) -> Wait | None:
    """None: it is judged afresh at once.  Dispatch's clock may be ahead of this one, or behind: ordered again before it
    is time by both, it would come back again, and so on without a pause."""
    order = returned.order
    if returned.until is not None:
        budget = order.kind == SystemKind.CONSENT_ASK and returned.code != "no_room"
        until = returned.until if returned.until > now else now + A_MOMENT
        return Wait(until, BUDGET if budget else CROWDED)
    if returned.at >= order.send_before > now:
        return Wait(order.send_before, OVER_THERE)
    return None
