"""How many opt-in requests of a tenant join a sender's queue in an hour.

Unknown numbers cost money: a list that somebody bought must not be asked all at once. The gate is
keyed by number and cannot count a tenant's requests. Here, all requests of a tenant from one sender
come together.

A request that exceeds the budget returns to the gate with the hour from which it may come again.
Each is promised a place in that hour. New requests get only what is left after the promised ones.
So who waits longest goes first, and however many there are, each returns about once a day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.send import Send
from schemas.send_request import SystemKind
from schemas.tenant_settings import ASKS_PER_HOUR
from streams.dispatch.state import RETENTION
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings, StateEntry

BUDGETS: Final = "asks/"
HOUR: Final = timedelta(hours=1)
"""From one full hour to the next, UTC."""
MAX_HOURS_AHEAD: Final = 24
"""Places are promised for so many hours. What exceeds them returns in the last of them and is
promised a new place."""
FAR_AHEAD: Final = MAX_HOURS_AHEAD * HOUR
"""An hour further ahead was counted by a clock that was wrong."""
CLOCK_MARGIN: Final = timedelta(seconds=5)
"""The gate's clock may be ahead by so much: what comes back on the hour must not find the hour
before."""


class OptInBudgetEntry(StateEntry):
    """One tenant's opt-in requests at this sender."""

    since: datetime
    """The hour that is counted."""
    taken: int = 0
    """Requests that joined the queue in it."""
    due: int = 0
    """Requests that were promised a place in it and have not come yet."""
    ahead: int = 0
    """Requests that were promised a place in a later hour."""


def reserve_opt_in_request(
    step: StepBuilder, order: Send, was_returned: bool, settings: Settings
) -> datetime | None:
    """None: the order may join the queue, and is counted. Otherwise the time from which it may come
    again."""
    if order.kind != SystemKind.CONSENT_ASK:
        return None
    tenant = settings.tenants.get(order.tenant)
    budget = tenant.asks_per_hour if tenant else ASKS_PER_HOUR
    name = f"{BUDGETS}{order.tenant}"
    entry = _read_this_hour(step, name, budget)
    if entry.taken + (0 if was_returned else entry.due) < budget:
        due = max(0, entry.due - 1) if was_returned else entry.due
        step.put(name, entry.model_copy(update={"taken": entry.taken + 1, "due": due}))
        return None
    most = MAX_HOURS_AHEAD * budget
    hours = min(entry.ahead, most - 1) // budget + 1
    step.put(name, entry.model_copy(update={"ahead": min(entry.ahead + 1, most)}))
    return entry.since + hours * HOUR + CLOCK_MARGIN


def _read_this_hour(step: StepBuilder, name: str, budget: int) -> OptInBudgetEntry:
    """Of the places promised for the hours since, those of this hour are due. A clock that was set
    back changes nothing. If it was far ahead, what it counted counts for this hour."""
    now = step.now.replace(minute=0, second=0, microsecond=0)
    entry = step.get(name, OptInBudgetEntry)
    passed = (now - entry.since) // HOUR if entry else 0
    was_far_ahead = -passed * HOUR > FAR_AHEAD
    if entry is None or passed > 0 or was_far_ahead:
        step.set_timer(name, step.now + RETENTION)
    if entry is None:
        return OptInBudgetEntry(since=now)
    if was_far_ahead:
        return entry.model_copy(update={"since": now})
    if passed <= 0:
        return entry
    left = max(0, entry.ahead - (passed - 1) * budget)
    due = min(left, budget)
    return OptInBudgetEntry(since=now, due=due, ahead=left - due)
