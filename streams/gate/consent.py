"""Where a number's consent stands, and what a claim does to it.

A STOP counts whenever it comes.  A yes counts unless it is not later than the STOP that stands, by the broker's append
time, which nobody can backdate; so a yes that was under way when the STOP came lifts nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.consent_event import ConsentAction
from schemas.consent_status import ConsentState
from streams.gate.claims import BY_TEXT, Claim
from streams.gate.rows import NumberRow

LOOKED_AT: Final = frozenset({"manual", BY_TEXT})
"""Sources that settle an unreadable record: somebody who looked, or the recipient's own later word."""


class Weighed(NamedTuple):
    """The number's row after a claim, whether that changed what may be sent, and why (not)."""

    row: NumberRow
    applied: bool
    reason: str


def weigh(row: NumberRow, claim: Claim) -> Weighed:
    if claim.action == ConsentAction.OPT_OUT:
        return _stop(row, claim)
    if claim.action == ConsentAction.OPT_IN:
        return _start(row, claim)
    return Weighed(row, False, "an ask by hand is not sent yet")


def _stop(row: NumberRow, claim: Claim) -> Weighed:
    since = max(row.since_ms, claim.at_ms)
    if row.state is ConsentState.OPTED_OUT:
        flagged = row.flagged and claim.flagged
        return Weighed(row.model_copy(update={"since_ms": since, "flagged": flagged}), False, "had opted out already")
    reason = f"opted out in other words ({claim.read_by}): to be confirmed or lifted" if claim.flagged else "opted out"
    return Weighed(_changed(row, ConsentState.OPTED_OUT, since, claim), True, reason)


def _start(row: NumberRow, claim: Claim) -> Weighed:
    if row.state is ConsentState.OPTED_OUT and claim.at_ms <= row.since_ms:
        return Weighed(row, False, "not later than the opt-out that stands")
    since = max(row.since_ms, claim.at_ms)
    settled = row.unreadable_ms and claim.source in LOOKED_AT and claim.at_ms > row.unreadable_ms
    seen = row.model_copy(update={"unreadable_ms": 0}) if settled else row
    if row.state is not ConsentState.OPTED_IN:
        return Weighed(_changed(seen, ConsentState.OPTED_IN, since, claim), True, "opted in")
    if settled:
        return Weighed(_changed(seen, row.state, since, claim), True, "opted in, after an unreadable record")
    return Weighed(row.model_copy(update={"since_ms": since}), False, "had opted in already")


def _changed(row: NumberRow, state: ConsentState, since: int, claim: Claim) -> NumberRow:
    came_from = {"source": claim.source, "flagged": claim.flagged}
    return row.model_copy(update={"state": state, "epoch": row.epoch + 1, "since_ms": since, **came_from})


def blocked(row: NumberRow, claim: Claim) -> Weighed:
    """Something could not be read: what was judged before must not leave either."""
    since = max(row.unreadable_ms, claim.at_ms, 1)
    after = row.model_copy(update={"unreadable_ms": since, "epoch": row.epoch + 1})
    return Weighed(after, True, "a record could not be read: nothing is sent until somebody has looked")
