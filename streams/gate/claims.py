"""Consent events, keywords and what could not be read, in one shape."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.consent_event import ConsentAction, ConsentEvent
from schemas.reply import Reply
from streams.gate.limits import EVIDENCE_AT_MOST
from streams.gate.rows import to_ms
from streams.keywords import Keyword, keyword
from streams.step import Fact

BY_TEXT: Final = "inbound"
"""The source of a consent change that came as a text from the number itself."""

NAME_AT_MOST: Final = 128
"""Characters of a source or sender that are kept."""

ACTIONS: Final = {Keyword.STOP: ConsentAction.OPT_OUT, Keyword.START: ConsentAction.OPT_IN}
"""HELP changes no consent; it is answered, not judged."""


class Claim(NamedTuple):
    """A consent event or a keyword, in one shape.  `claimed_at` is the producer's word; `at_ms`, the append time of the
    record that first brought it, is what counts."""

    event_id: str
    action: str
    source: str
    sender: str | None
    claimed_at: datetime
    at_ms: int
    evidence: Evidence

    @property
    def place(self) -> Evidence:
        """Where its record stands, without what it says: for the decisions it causes."""
        said = self.evidence
        return Evidence(topic=said.topic, partition=said.partition, offset=said.offset)


def claim_of_event(fact: Fact) -> Claim:
    event: ConsentEvent = fact.value
    evidence = event.evidence.model_copy(update={**_cut(event.evidence), **_place(fact)})
    source, sender = event.source[:NAME_AT_MOST], event.sender and event.sender[:NAME_AT_MOST]
    return Claim(event.event_id, event.action, source, sender, event.at, fact.at_ms, evidence)


def claim_of_reply(fact: Fact) -> Claim | None:
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
    return Claim(reply.provider_id, action, BY_TEXT, reply.sender, reply.received_at, at_ms, evidence)


def claim_of_unreadable(fact: Fact) -> Claim:
    """It may have been a STOP; whoever reads the log finds the record by its place."""
    place = f"{fact.topic}/{fact.partition}/{fact.offset}"
    return Claim(place, "unreadable", fact.topic, None, fact.at, fact.at_ms, Evidence.model_validate(_place(fact)))


def _cut(evidence: Evidence) -> dict[str, str]:
    """A STOP counts however much is attached to it; what is too much to keep is cut."""
    return {name: said[:EVIDENCE_AT_MOST] for name, said in evidence if isinstance(said, str)}


def _place(fact: Fact) -> dict[str, str | int]:
    return {"topic": fact.topic, "partition": fact.partition, "offset": fact.offset}
