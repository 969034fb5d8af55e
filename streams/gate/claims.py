"""Consent events, keywords and what could not be read, in one shape."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.consent_event import ConsentAction, ConsentEvent
from schemas.consent_source import ConsentSource
from schemas.consent_status import ConsentState
from schemas.reply import Reply
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from streams.gate.asks import asking
from streams.gate.limits import EVIDENCE_AT_MOST
from streams.gate.skew import ALLOWED
from streams.gate.state import NumberRow, to_ms
from streams.gate.unasked import is_unasked, may_answer_another
from streams.inbound_keywords import Answered, Meaning, as_the_carrier, read_answer
from streams.processing import InputRecord

CLAIMED: Final = "inbound, by an event"
"""Of an event that says it came as a text: texts come on a topic of their own."""

NAME_AT_MOST: Final = 128
"""Characters of a source or sender that are kept."""

ACTIONS: Final = {
    Meaning.STOP: ConsentAction.OPT_OUT,
    Meaning.REVOKE: ConsentAction.OPT_OUT,
    Meaning.START: ConsentAction.OPT_IN,
    Meaning.YES: ConsentAction.OPT_IN,
}
"""HELP changes no consent; it is answered, not judged."""


class Claim(NamedTuple):
    """A consent event or a keyword, in one shape.  `claimed_at` is the producer's word; `at_ms`, the append time of the
    record that first brought it, is what counts.  `flagged`: it was read between the lines, by the pattern `read_by`,
    and a person is to confirm or lift it."""

    event_id: str
    action: str
    source: str
    sender: str | None
    claimed_at: datetime
    at_ms: int
    evidence: Evidence
    flagged: bool = False
    read_by: str = ""
    message_id: str | None = None

    @property
    def said_ms(self) -> int:
        """When it was said, at the latest.  A form may lie with its producer for days: what somebody agreed to before
        they wrote STOP is no answer to it, however late its record comes."""
        return (
            min(self.at_ms, to_ms(self.claimed_at))
            if self.source == ConsentSource.FORM
            else self.at_ms
        )

    @property
    def place(self) -> Evidence:
        """Where its record stands, without what it says: for the decisions it causes."""
        said = self.evidence
        return Evidence(topic=said.topic, partition=said.partition, offset=said.offset)


def claim_of_event(record: InputRecord) -> Claim:
    event: ConsentEvent = record.value
    evidence = event.evidence.model_copy(update={**_cut(event.evidence), **_place(record)})
    source = CLAIMED if event.source == ConsentSource.INBOUND else event.source[:NAME_AT_MOST]
    sender = event.sender and event.sender[:NAME_AT_MOST]
    return Claim(
        event.event_id,
        event.action,
        source,
        sender,
        event.at,
        record.at_ms,
        evidence,
        message_id=event.message_id,
    )


def claim_of_reply(
    record: InputRecord, standing: NumberRow, tenant: TenantSettings | None, sender: Sender | None
) -> Claim | None:
    """What a keyword, or a revocation in other words, claims.  Its time and evidence are those of the inbound record:
    replies are kept for a month only, and a START that lay at the inbox while a STOP came another way must not look
    newer than that STOP."""
    reply: Reply = record.value
    answered = as_the_carrier(read_answer(reply.body, tenant), reply.body, reply.carrier_stop)
    action = ACTIONS.get(answered.meaning)
    at_ms = to_ms(reply.appended_at) if reply.appended_at else record.at_ms
    others = may_answer_another(sender, reply.tenant)
    if action is None or not _answers(answered, at_ms, standing, reply.sender, others):
        return None
    place = {} if reply.evidence.topic else _place(record)
    evidence = reply.evidence.model_copy(update={**place, "text": reply.body[:EVIDENCE_AT_MOST]})
    flagged, read_by = answered.meaning is Meaning.REVOKE, answered.by
    source = ConsentSource.INBOUND
    return Claim(
        reply.provider_id,
        action,
        source,
        reply.sender,
        reply.received_at,
        at_ms,
        evidence,
        flagged,
        read_by,
    )


def _answers(
    answered: Answered, at_ms: int, standing: NumberRow, sender: str, others: bool
) -> bool:
    """A YES is consent only where it answers: to an opt-in request that was out by then, or to an opt-out that stands,
    be it of this sender alone, whose confirmation says how to come back.  Any other YES is said to something else, and
    for people.

    So is a START on a sender that others use, where this tenant's ask has come to nothing: theirs was answered."""
    if standing.state is ConsentState.OPTED_OUT:
        return True
    if answered.meaning is Meaning.START:
        return not (others and is_unasked(standing))
    if answered.meaning is not Meaning.YES:
        return True
    if standing.state is ConsentState.OPTED_IN:
        return sender in (standing.out or {}) or sender in (standing.blocked or {})
    asked_at = asking(standing).at
    return (
        standing.state is ConsentState.PENDING
        and asked_at is not None
        and at_ms >= to_ms(asked_at - ALLOWED)
    )


def claim_of_unreadable(record: InputRecord) -> Claim:
    """It may have been a STOP; whoever reads the log finds the record by its place."""
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return Claim(
        place,
        "unreadable",
        record.topic,
        None,
        record.at,
        record.at_ms,
        Evidence.model_validate(_place(record)),
    )


def _cut(evidence: Evidence) -> dict[str, str]:
    """A STOP counts however much is attached to it; what is too much to keep is cut."""
    return {name: said[:EVIDENCE_AT_MOST] for name, said in evidence if isinstance(said, str)}


def _place(record: InputRecord) -> dict[str, str | int]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
