"""Consent events, keywords and unreadable records, as claims: one shape for all that may change
consent."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource, ConsentState
from schemas.inbound import Reply
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from streams.gate import opt_in_state
from streams.gate.send_window import SKEW_ALLOWED
from streams.gate.state import NumberState, to_ms
from streams.inbound_keywords import (
    Classification,
    Meaning,
    classify_answer,
    classify_inbound,
)
from streams.inbound_keywords.inbound import carrier_keyword
from streams.processing import InputRecord

CLAIMED_INBOUND: Final = "inbound, by an event"
"""The source of an event that says it came as a text: texts come on a topic of their own."""

EVIDENCE_AT_MOST: Final = 20_000
"""Characters of one evidence field that are kept; the log names the record itself."""

NAME_AT_MOST: Final = 128
"""Characters of a source or sender that are kept."""

ACTIONS: Final = {
    Meaning.STOP: ConsentAction.OPT_OUT,
    Meaning.REVOKE: ConsentAction.OPT_OUT,
    Meaning.POSSIBLE: ConsentAction.MAYBE_REVOKED,
    Meaning.START: ConsentAction.OPT_IN,
    Meaning.YES: ConsentAction.OPT_IN,
}
"""HELP changes no consent; it is only answered."""


class Claim(NamedTuple):
    event_id: str
    action: str
    source: str
    sender: str | None
    claimed_at: datetime
    """The producer's word."""
    at_ms: int
    """The append time of the record that first brought it.  This one counts."""
    evidence: Evidence
    flagged: bool = False
    """Revoked in words that are no keyword: staff are to confirm or lift it."""
    read_by: str = ""
    """The word, the pattern or the model's version that found what the text means."""
    message_id: str | None = None
    is_answered: bool = False
    """Somebody else replies to the text: the provider has, or another tenant does."""
    only_if_known: bool = False
    """One of many numbers that an unreadable record may have meant."""

    @property
    def stated_ms(self) -> int:
        """When it was said, at the latest.

        A form may lie with its producer for days.  What somebody agreed to before they wrote
        STOP is no answer to it, however late its record comes."""
        if self.source == ConsentSource.FORM:
            return min(self.at_ms, to_ms(self.claimed_at))
        return self.at_ms

    @property
    def cause(self) -> Evidence:
        """Where its record is, without what it says: for the decisions that it causes."""
        known = self.evidence
        return Evidence(topic=known.topic, partition=known.partition, offset=known.offset)


def claim_from_event(record: InputRecord) -> Claim:
    event: ConsentEvent = record.value
    # A STOP counts however much is attached to it: what is too much to keep is cut.
    kept = {name: text[:EVIDENCE_AT_MOST] for name, text in event.evidence if isinstance(text, str)}
    is_inbound = event.source == ConsentSource.INBOUND
    return Claim(
        event.event_id,
        event.action,
        CLAIMED_INBOUND if is_inbound else event.source[:NAME_AT_MOST],
        event.sender and event.sender[:NAME_AT_MOST],
        event.at,
        record.at_ms,
        event.evidence.model_copy(update={**kept, **_location_of(record)}),
        read_by=(event.read_by or "")[:NAME_AT_MOST],
        message_id=event.message_id,
        only_if_known=event.only_if_known,
    )


def claim_from_reply(
    record: InputRecord, answer: Classification, number: NumberState, sender: Sender | None
) -> Claim | None:
    """What a keyword, or a revocation in other words, claims; None: nothing.  `answer`: what
    `classify` makes of it.

    Time and evidence are those of the inbound record.  Replies are kept for a month only; and a
    START that lay at the inbox while a STOP came another way must not look newer than that STOP."""
    reply: Reply = record.value
    at_ms = find_append_ms(record)
    action = ACTIONS.get(answer.meaning)
    shared = opt_in_state.is_not_only_theirs(sender, reply.tenant)
    if action is None or not _counts(answer, at_ms, number, reply.sender, shared):
        return None
    located = {} if reply.evidence.topic else _location_of(record)
    return Claim(
        reply.provider_id,
        action,
        ConsentSource.INBOUND,
        reply.sender,
        reply.received_at,
        at_ms,
        reply.evidence.model_copy(update={**located, "text": reply.body[:EVIDENCE_AT_MOST]}),
        answer.meaning is Meaning.REVOKE,
        answer.by[:NAME_AT_MOST],
        is_answered=is_answered(reply, sender),
    )


def classify(
    record: InputRecord, number: NumberState, tenant: TenantSettings | None
) -> Classification:
    """As the inbox reads it; after an opt-in request, "no" is more than a text for people."""
    reply: Reply = record.value
    answer = classify_inbound(reply, tenant)
    if is_answer_to_request(number, find_append_ms(record)):
        return classify_answer(answer, reply.body)
    return answer


def is_answer_to_request(number: NumberState, at_ms: int) -> bool:
    """An opt-in request is unanswered, and was out by then."""
    issued_at = opt_in_state.opt_in_requests(number).issued_at
    return (
        number.state is ConsentState.PENDING
        and issued_at is not None
        and at_ms >= to_ms(issued_at - SKEW_ALLOWED)
    )


def is_answered(reply: Reply, sender: Sender | None) -> bool:
    """The provider answers the keywords that it reports, unless the settings say that it does not;
    and of several tenants, one confirms."""
    is_silent = sender is not None and sender.answers_keywords is False
    by_provider = carrier_keyword(reply) is not None and not is_silent
    return by_provider or reply.confirmed_by not in (None, reply.tenant)


def find_append_ms(record: InputRecord) -> int:
    reply: Reply = record.value
    return to_ms(reply.appended_at) if reply.appended_at else record.at_ms


def _counts(
    answer: Classification, at_ms: int, number: NumberState, sender: str, is_shared: bool
) -> bool:
    """A YES is consent only as a reply: to an opt-in request that was out by then, or to an
    opt-out, even of this sender alone, whose confirmation says how to come back.  Any other YES
    is about something else, and for people to read.

    A START on a shared sender does not count if this tenant's request has not arrived: it
    answers another tenant's."""
    if number.state is ConsentState.OPTED_OUT:
        return True
    if answer.meaning is Meaning.START:
        return not (is_shared and opt_in_state.has_none_delivered(number))
    if answer.meaning is not Meaning.YES:
        return True
    if number.state is ConsentState.OPTED_IN:
        return sender in (number.stopped_senders or {}) or sender in (number.blocked_senders or {})
    return is_answer_to_request(number, at_ms)


def claim_from_unreadable(record: InputRecord) -> Claim:
    """It may have been a STOP; whoever reads the log finds the record by its offset."""
    return Claim(
        f"{record.topic}/{record.partition}/{record.offset}",
        ConsentAction.UNREADABLE,
        record.topic,
        None,
        record.at,
        record.at_ms,
        record.evidence,
    )


def _location_of(record: InputRecord) -> dict[str, str | int]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
