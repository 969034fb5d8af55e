"""Whether a number may be asked to opt in, and what its row remembers of that.

An ask goes out once in 24 h, counted from when its order is issued.  One that failed has asked nobody: the clock is
free, and unless an earlier ask stands the number is as if never asked.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from schemas.consent_status import ConsentState
from streams.gate.limits import ASK_EVERY, ASKS_BY_ITSELF
from streams.gate.skew import SKEWED, behind
from streams.gate.state import Ask, Asking, NumberRow
from streams.gate.waits import BUDGET, BY_RULE, Wait
from streams.reasons import Reason, moment, span

NEVER: Final = Asking()
SETTLED: Final = {
    ConsentState.OPTED_IN: "they have opted in already",
    ConsentState.OPTED_OUT: "they opted out: only they can come back, by texting START",
}
"""States in which there is nothing to ask."""


def asking(row: NumberRow) -> Asking:
    return row.asking or NEVER


def again_at(row: NumberRow) -> datetime | None:
    """When the next ask may go; None where nothing keeps it."""
    ask = asking(row)
    return ask.at + ASK_EVERY if ask.last is Ask.OUT and ask.at else None


def against(row: NumberRow, now: datetime, zone: tzinfo = UTC) -> str:
    """Why nobody may ask now; "" if nothing is against it."""
    if row.state in SETTLED:
        return SETTLED[row.state]
    if behind(row, now):
        return SKEWED
    ask, free = asking(row), again_at(row)
    if ask.last is Ask.WAITING:
        return "a request to opt in is on its way already"
    if ask.at is None or free is None or free <= now:
        return ""
    return f"they were asked {moment(ask.at, zone)}: again in {span(free - now)}, from {moment(free, zone)}"


def no_room_until(row: NumberRow, now: datetime) -> datetime | None:
    """From when on there is room for the ask that waits, in the tenant's budget or at its sender; None: nothing is
    known against it."""
    until = asking(row).no_room_until
    return until if until is not None and until > now else None


def why_no_room(row: NumberRow) -> Reason:
    return BY_RULE.get(asking(row).no_room_rule, BUDGET)


def asks_by_itself(row: NumberRow, now: datetime) -> bool:
    """The first time, and again only where the ask before it failed, a day later, a few times."""
    ask = asking(row)
    if (
        row.state is not ConsentState.NONE
        or ask.last not in (Ask.NONE, Ask.FAILED)
        or ask.count >= ASKS_BY_ITSELF
    ):
        return False
    return ask.at is None or now >= ask.at + ASK_EVERY


def opened(row: NumberRow) -> NumberRow:
    """One more ask is in the making."""
    ask = asking(row)
    stands = ask.before + (ask.last is Ask.OUT)
    after = Asking(count=ask.count + 1, last=Ask.WAITING, at=ask.at, earlier=ask.at, before=stands)
    return row.model_copy(update={"asking": after})


def handed_back(row: NumberRow, wait: Wait | None) -> NumberRow:
    """Its order came back unsent: nobody was asked by it, so the clock is where it was before."""
    ask = asking(row)
    until, why = (wait.until, wait.why.rule) if wait else (None, "")
    unsent = ask.model_copy(update={"at": ask.earlier, "no_room_until": until, "no_room_rule": why})
    return row.model_copy(update={"asking": unsent})


def one_less_before(row: NumberRow) -> NumberRow:
    """The order of an earlier ask came back unsent."""
    ask = asking(row)
    less = ask.model_copy(update={"before": max(0, ask.before - 1)})
    return now_stands(row.model_copy(update={"asking": less}), ask.last)


def now_stands(row: NumberRow, last: Ask, issued_at: datetime | None = None) -> NumberRow:
    """The last ask has come to this; being ordered starts the clock."""
    before = asking(row)
    ask = before.model_copy(update={"last": last, "at": issued_at or before.at})
    after = row.model_copy(update={"asking": ask})
    if row.state in SETTLED:
        return after
    pending = last is Ask.OUT or ask.before > 0
    return after.model_copy(
        update={"state": ConsentState.PENDING if pending else ConsentState.NONE}
    )
