"""How many opt-in requests of a tenant join a sender's queue in an hour.

Unknown numbers cost money: a list that somebody bought must not be asked all at once.  The gate is keyed by number and
cannot count a tenant's; all that a tenant asks from one sender comes together here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.send import Send
from schemas.system_kind import SystemKind
from schemas.tenant_settings import ASKS_PER_HOUR
from streams.dispatch.state import REMEMBERED
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings, StateEntry

ASKS: Final = "asks/"
HOUR: Final = timedelta(hours=1)
"""From one full hour to the next, UTC."""
PROMISED_AT_MOST: Final = 24
"""Hours ahead for which places are given away; what is beyond comes back in the last of them and is placed again."""
FAR_AHEAD: Final = PROMISED_AT_MOST * HOUR
"""An hour that is further off was counted by a clock that was wrong."""
CLOCKS: Final = timedelta(seconds=5)
"""By so much may the gate's clock be ahead: what comes back on the hour must not find the hour before."""


class OptInBudgetEntry(StateEntry):
    """`since`: the hour; `taken`: asks that joined the queue in it; `due`: those that were promised a place in it and
    have not come yet; `ahead`: those that were promised one in a later hour."""

    since: datetime
    taken: int = 0
    due: int = 0
    ahead: int = 0


def beyond_budget(
    draft: StepBuilder, order: Send, again: bool, settings: Settings
) -> datetime | None:
    """Counts an ask that may join the queue (None), or promises it a place and says from when it may come again.

    `again`: it was handed back before.  New ones take only what is left after those, so who waits longest goes first
    and however many there are, each is handed back about once a day."""
    if order.kind != SystemKind.CONSENT_ASK:
        return None
    tenant = settings.tenants.get(order.tenant)
    budget = tenant.asks_per_hour if tenant else ASKS_PER_HOUR
    name = f"{ASKS}{order.tenant}"
    row = _this_hour(draft, name, budget)
    if row.taken + (0 if again else row.due) < budget:
        took = {"taken": row.taken + 1, "due": max(0, row.due - 1) if again else row.due}
        draft.put(name, row.model_copy(update=took))
        return None
    most = PROMISED_AT_MOST * budget
    place = min(row.ahead, most - 1) // budget + 1
    draft.put(name, row.model_copy(update={"ahead": min(row.ahead + 1, most)}))
    return row.since + place * HOUR + CLOCKS


def _this_hour(draft: StepBuilder, name: str, budget: int) -> OptInBudgetEntry:
    """Of the places promised for the hours since, those of this one are due.  A clock set back changes nothing; where
    it was far ahead, what was counted by it counts for this hour."""
    now = draft.now.replace(minute=0, second=0, microsecond=0)
    row = draft.get(name, OptInBudgetEntry)
    passed = (now - row.since) // HOUR if row else 0
    if row is None or passed > 0 or -passed * HOUR > FAR_AHEAD:
        draft.set_timer(name, draft.now + REMEMBERED)
    if row is None:
        return OptInBudgetEntry(since=now)
    if passed <= 0:
        return row.model_copy(update={"since": now}) if -passed * HOUR > FAR_AHEAD else row
    left = max(0, row.ahead - (passed - 1) * budget)
    due = min(left, budget)
    return OptInBudgetEntry(since=now, due=due, ahead=left - due)
