"""Why dispatch returned an order that may be sent later, and from when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.attempt import ReturnReason
from schemas.send import Returned
from schemas.send_request import SystemKind
from streams.gate.opt_in_state import opt_in_requests
from streams.gate.state import NumberState
from streams.reasons import Reason
from streams.rule_names import RuleName

BUDGET: Final = Reason(
    RuleName.OPT_IN_BUDGET,
    "This hour's opt-in requests are used up",
    "raise asks_per_hour, or wait: it goes by itself",
)
CROWDED: Final = Reason(
    RuleName.SENDER_CROWDED,
    "Too many texts stand before it at its sender",
    "wait: it goes by itself",
)
CLOCK_AHEAD: Final = Reason(
    RuleName.CLOCK_SKEW,
    "Its time is over by its sender's clock, and not by this one",
    "wait: it goes by itself; if that takes longer than a moment, set the clocks by NTP",
)
BY_RULE: Final[Mapping[str, Reason]] = {
    reason.rule: reason for reason in (BUDGET, CROWDED, CLOCK_AHEAD)
}
TOO_LATE: Final[Mapping[str, str]] = {
    CROWDED.rule: "use a faster sender, or ask earlier",
    CLOCK_AHEAD.rule: "set the clocks by NTP",
}
"""By rule: the next step if there is no time left to wait."""

SHORT_WAIT: Final = timedelta(minutes=1)
"""Wait so long if the time has passed already: dispatch's clock may be behind, or the record lay
in a backlog."""


class Wait(NamedTuple):
    until: datetime
    why: Reason


def find_wait(returned: Returned, now: datetime) -> Wait | None:
    """None: it may be evaluated again at once.

    Dispatch's clock may be ahead of ours or behind it.  An order issued again before it is time
    by both clocks would come back again, and so on without a pause."""
    order = returned.order
    if returned.until is not None:
        is_budget = order.kind == SystemKind.CONSENT_ASK and returned.code != ReturnReason.NO_ROOM
        until = returned.until if returned.until > now else now + SHORT_WAIT
        return Wait(until, BUDGET if is_budget else CROWDED)
    if returned.at >= order.send_before > now:
        return Wait(order.send_before, CLOCK_AHEAD)
    return None


def why_no_room(number: NumberState) -> Reason:
    """Why the opt-in request waits that was returned."""
    return BY_RULE.get(opt_in_requests(number).no_room_rule, BUDGET)
