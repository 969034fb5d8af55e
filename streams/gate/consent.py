"""Where a number's consent stands, and what a claim does to it.

A STOP counts whenever it comes.  A yes counts unless it is not later than the STOP that stands, by the broker's append
time, which nobody can backdate; so a yes that was under way when the STOP came lifts nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.consent_event import ConsentAction, ConsentEvent
from schemas.consent_status import ConsentState
from schemas.reply import Reply
from streams.gate.limits import EVIDENCE_AT_MOST
from streams.gate.rows import NumberRow, to_ms
from streams.keywords import Keyword, keyword
from streams.step import Fact

BY_TEXT: Final = "inbound"
"""The source of a consent change that came as a text from the number itself."""

NAME_AT_MOST: Final = 128

LOOKED_AT: Final = frozenset({"manual", BY_TEXT})
"""Sources that settle an unreadable record: somebody who looked, or the recipient's own later word."""

ACTIONS: Final = {Keyword.STOP: ConsentAction.OPT_OUT, Keyword.START: ConsentAction.OPT_IN}
"""HELP changes no consent; it is answered, not judged."""


class Claim(NamedTuple):
    """A consent event or a keyword, in one shape.  `at_ms`: append time of the record that first brought it."""

    row: str
    event_id: str
    action: ConsentAction
    source: str
    sender: str | None
    at_ms: int
    evidence: Evidence

    @property
    def place(self) -> Evidence:
        """Where its record stands, without what it says: for the decisions it causes."""
        said = self.evidence
        return Evidence(topic=said.topic, partition=said.partition, offset=said.offset)


class Weighed(NamedTuple):
    """The number's row after a claim, whether that changed what may be sent, and why (not)."""

    row: NumberRow
    applied: bool
    reason: str


def weigh(row: NumberRow, claim: Claim) -> Weighed:
    if claim.action is ConsentAction.OPT_OUT:
        return _stop(row, claim)
    if claim.action is ConsentAction.OPT_IN:
        return _start(row, claim)
    return Weighed(row, False, "an ask by hand is not sent yet")


def _stop(row: NumberRow, claim: Claim) -> Weighed:
    since = max(row.since_ms, claim.at_ms)
    if row.state is ConsentState.OPTED_OUT:
        return Weighed(row.model_copy(update={"since_ms": since}), False, "had opted out already")
    return Weighed(_changed(row, ConsentState.OPTED_OUT, since, claim.source), True, "opted out")


def _start(row: NumberRow, claim: Claim) -> Weighed:
    if row.state is ConsentState.OPTED_OUT and claim.at_ms <= row.since_ms:
        return Weighed(row, False, "not later than the opt-out that stands")
    since = max(row.since_ms, claim.at_ms)
    settled = row.unreadable_ms and claim.source in LOOKED_AT and claim.at_ms > row.unreadable_ms
    seen = row.model_copy(update={"unreadable_ms": 0}) if settled else row
    if row.state is not ConsentState.OPTED_IN:
        return Weighed(_changed(seen, ConsentState.OPTED_IN, since, claim.source), True, "opted in")
    if settled:
        return Weighed(_changed(seen, row.state, since, claim.source), True, "opted in, after an unreadable record")
    return Weighed(row.model_copy(update={"since_ms": since}), False, "had opted in already")


def _changed(row: NumberRow, state: ConsentState, since: int, source: str) -> NumberRow:
    return row.model_copy(update={"state": state, "epoch": row.epoch + 1, "since_ms": since, "source": source})


def blocked(row: NumberRow, at_ms: int) -> NumberRow:
    """Something could not be read: it may have been a STOP, so what was judged before must not leave either."""
    return row.model_copy(update={"unreadable_ms": max(row.unreadable_ms, at_ms, 1), "epoch": row.epoch + 1})


def claim_of_event(fact: Fact) -> Claim:
    event: ConsentEvent = fact.value
    evidence = event.evidence.model_copy(update={**_cut(event.evidence), **_place(fact)})
    source, sender = event.source[:NAME_AT_MOST], event.sender and event.sender[:NAME_AT_MOST]
    return Claim(f"ev/{event.event_id}", event.event_id, event.action, source, sender, fact.at_ms, evidence)


def claim_of_reply(fact: Fact, row: str) -> Claim | None:
    """A keyword's claim.  Its time and evidence are those of the inbound record: replies are kept for a month only,
    and a START that lay at the inbox while a STOP came another way must not look newer than that STOP."""
    reply: Reply = fact.value
    meant = keyword(reply.body)
    action = ACTIONS.get(meant) if meant else None
    if action is None:
        return None
    at_ms = to_ms(reply.appended_at) if reply.appended_at else fact.at_ms
    place = {} if reply.evidence.topic else _place(fact)
    evidence = reply.evidence.model_copy(update={**place, "text": reply.body[:EVIDENCE_AT_MOST]})
    return Claim(row, reply.provider_id, action, BY_TEXT, reply.sender, at_ms, evidence)


def _cut(evidence: Evidence) -> dict[str, str]:
    """A STOP counts however much is attached to it; what is too much to keep is cut."""
    return {name: said[:EVIDENCE_AT_MOST] for name, said in evidence if isinstance(said, str)}


def _place(fact: Fact) -> dict[str, str | int]:
    return {"topic": fact.topic, "partition": fact.partition, "offset": fact.offset}
