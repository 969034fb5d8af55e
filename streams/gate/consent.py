"""Where a number's consent stands, and what a claim does to it.

A STOP counts whenever it comes.  A yes counts if it brings its proof, unless it is not later than the STOP that stands,
by the broker's append time, which nobody can backdate; so a yes that was under way when the STOP came lifts nothing.
What could not be read may have been a STOP: the recipient's own later word settles it, or somebody who has looked at
it; a yes on record does not, as it lifts no STOP.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.consent_event import ConsentAction
from schemas.consent_source import ConsentSource
from schemas.consent_status import ConsentState
from schemas.tenant_settings import StopScope
from streams.gate.claims import Claim
from streams.gate.limits import SENDERS_AT_MOST
from streams.gate.proof import comes_back, lacking
from streams.gate.state import NumberRow


class Weighed(NamedTuple):
    """The number's row after a claim, whether that changed what may be sent, and why (not).  `stop_at`: the senders
    that have to hear of it."""

    row: NumberRow
    applied: bool
    reason: str
    stop_at: tuple[str, ...] = ()


def weigh(row: NumberRow, claim: Claim, scope: StopScope = StopScope.TENANT) -> Weighed:
    if claim.action == ConsentAction.OPT_IN:
        return _start(row, claim)
    if claim.action == ConsentAction.RESOLVED:
        return _resolved(row, claim)
    if claim.sender and claim.source == ConsentSource.CARRIER:
        reason = f"the carrier takes no texts from {claim.sender} to this number, which our books did not know"
        return _at_sender(row, claim, "blocked", reason)
    if not claim.sender or scope is StopScope.TENANT or claim.flagged:
        return _stop(row, claim)
    if row.state is ConsentState.OPTED_IN:
        return _at_sender(row, claim, "out", f"opted out of texts from {claim.sender}")
    weighed = _stop(row, claim)
    return weighed._replace(row=_noted(weighed.row, claim, "out"))


def _stop(row: NumberRow, claim: Claim) -> Weighed:
    since = max(row.since_ms, claim.at_ms)
    if row.state is ConsentState.OPTED_OUT:
        flagged = row.flagged and claim.flagged
        return Weighed(
            row.model_copy(update={"since_ms": since, "flagged": flagged}),
            False,
            "had opted out already",
        )
    reason = (
        f"opted out in other words ({claim.read_by}): to be confirmed or lifted"
        if claim.flagged
        else "opted out"
    )
    return Weighed(_changed(row, ConsentState.OPTED_OUT, since, claim), True, reason, row.senders)


def _at_sender(row: NumberRow, claim: Claim, field: str, reason: str) -> Weighed:
    """Only what this sender sends is stopped."""
    assert claim.sender
    after = _noted(row, claim, field)
    if claim.sender in (getattr(row, field) or {}):
        return Weighed(after, False, f"had been so already: {reason}")
    return Weighed(after.model_copy(update={"epoch": row.epoch + 1}), True, reason, (claim.sender,))


def _noted(row: NumberRow, claim: Claim, field: str) -> NumberRow:
    """The row, which remembers that this sender was stopped: also where all are, for a START to another lifts that."""
    assert claim.sender
    known: dict[str, int] = getattr(row, field) or {}
    times = {**known, claim.sender: max(claim.at_ms, known.get(claim.sender, 0))}
    newest = sorted(times, key=lambda sender: (times[sender], sender))[-SENDERS_AT_MOST:]
    return row.model_copy(update={field: {sender: times[sender] for sender in newest}})


def _start(row: NumberRow, claim: Claim) -> Weighed:
    if why := lacking(row, claim):
        return Weighed(row, False, why)
    if row.state is ConsentState.OPTED_OUT and (
        claim.at_ms <= row.since_ms or claim.said_ms < row.since_ms
    ):
        return Weighed(row, False, "not later than the opt-out that stands")
    since = max(row.since_ms, claim.at_ms)
    settled = (
        row.unreadable_ms
        and claim.source == ConsentSource.INBOUND
        and claim.at_ms > row.unreadable_ms
    )
    seen = row.model_copy(update={"unreadable_ms": 0}) if settled else row
    after = _lifted(seen, claim)
    if row.state is not ConsentState.OPTED_IN:
        return Weighed(_changed(after, ConsentState.OPTED_IN, since, claim), True, "opted in")
    if settled:
        return Weighed(
            _changed(after, row.state, since, claim), True, "opted in, after an unreadable record"
        )
    if after is not seen:
        again = f"opted in to texts from {claim.sender or 'all'} again"
        return Weighed(_changed(after, row.state, since, claim), True, again)
    return Weighed(row.model_copy(update={"since_ms": since}), False, "had opted in already")


def _resolved(row: NumberRow, claim: Claim) -> Weighed:
    """What stood before the record that could not be read stands again, at the word of somebody with a name."""
    if claim.source != ConsentSource.MANUAL or not claim.evidence.actor:
        return Weighed(
            row, False, "only staff can resolve what could not be read, and say who they are"
        )
    if not row.unreadable_ms:
        return Weighed(row, False, "there is nothing to resolve")
    if claim.at_ms <= row.unreadable_ms:
        return Weighed(row, False, "not later than the record that could not be read")
    after = row.model_copy(update={"unreadable_ms": 0, "epoch": row.epoch + 1})
    return Weighed(after, True, "somebody has looked at what could not be read: it changes nothing")


def _lifted(row: NumberRow, claim: Claim) -> NumberRow:
    """A later START to a sender lifts what was stopped for that sender alone: the carrier heard it too.  So does a form
    with evidence, which the carrier knows nothing of, and which may be about all senders."""
    if not comes_back(claim):
        return row
    before = {"out": row.out or {}} | (
        {"blocked": row.blocked or {}} if claim.source == ConsentSource.INBOUND else {}
    )
    after = {
        field: {
            sender: at
            for sender, at in times.items()
            if claim.sender not in (sender, None) or at >= claim.said_ms
        }
        for field, times in before.items()
    }
    return row if after == before else row.model_copy(update=after)


def _changed(row: NumberRow, state: ConsentState, since: int, claim: Claim) -> NumberRow:
    agreed = (row.state is ConsentState.OPTED_IN) if claim.flagged else None
    came_from = {"source": claim.source, "flagged": claim.flagged, "had_agreed": agreed}
    return row.model_copy(
        update={"state": state, "epoch": row.epoch + 1, "since_ms": since, **came_from}
    )


def blocked(row: NumberRow, claim: Claim) -> Weighed:
    """Something could not be read: what was judged before must not leave either."""
    since = max(row.unreadable_ms, claim.at_ms, 1)
    after = row.model_copy(update={"unreadable_ms": since, "epoch": row.epoch + 1})
    reason = "a record could not be read: nothing is sent until somebody has looked"
    return Weighed(after, True, reason, row.senders)
