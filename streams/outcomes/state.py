"""What we keep of one message: its decision, and what was reported of each attempt.

The entries are built from the wire here.  Every text is cut, so that an entry stays small whatever
was sent. The names in the stored JSON are older than the attributes' (`rename`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.attempt import Attempt, DeliveryReceipt
from schemas.base import IDENTITY
from schemas.decision import Decision, Verdict
from streams.lifecycle import ATTEMPT, RECEIPT
from streams.processing import InputRecord, StateEntry

MESSAGE: Final = "life"
"""The name of a message's only entry."""

MAX_TEXT: Final = 200
MAX_NEXT_STEP: Final = 1000
MAX_NAME: Final = 80
"""Characters of an event's title or a zone's name."""
MAX_SEGMENTS: Final = 999
"""No text has so many, and the sum over 16 attempts must still be a number that JSON can hold."""


class DecisionSummary(StateEntry):
    """The decision that holds.  `reason` and `next_step` are those of the finding that decided."""

    seq: int
    decided_at: datetime
    verdict: Verdict
    branch: str | None = None
    to: str | None = None
    sender: str | None = None
    kind: str
    segments: int
    person_id: str | None = None
    request_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    event_at: datetime | None = None
    event_title: str | None = None
    time_zone: str | None = None
    valid_until: datetime | None = None
    resend_of: str | None = None
    requested_at: datetime
    reason: str | None = None
    next_step: str | None = None
    rule: str | None = None
    """Of the strictest finding; only for a text of a case."""
    written_by: str | None = None
    test_mode: bool | None = None


class Report(StateEntry):
    """One distinct report of an attempt."""

    source: str
    word: str
    code: str | None = None
    provider_id: str | None = None
    sender: str | None = None
    to: str | None = None
    segments: int | None = None
    at: datetime
    """When it was first reported."""
    partition: int | None = None
    """Where the record stands on its source's topic; with `offset`."""
    offset: int | None = None


class PublishedOutcome(StateEntry):
    """What the last outcome said.  We publish another one only if something of it changes."""

    state: str
    error_code: str | None = None
    segments: int
    segments_predicted: int | None = None
    segments_billed: int | None = None
    contradictions: tuple[str, ...] = ()
    sender: str | None = None
    next_step: str | None = None


class MessageState(
    StateEntry, rename={"decision": "judged", "unrecognized": "odd", "published": "told"}
):
    tenant: str
    message_id: str
    decision: DecisionSummary | None = None
    to: str | None = None
    """From the first decision, as is `fingerprint`: another text under its id does not belong here.
    """
    fingerprint: str = ""
    attempts: dict[int, tuple[Report, ...]] = {}
    unrecognized: tuple[str, ...] = ()
    """Statuses that the lifecycle table does not know, and those of another account: kept as
    evidence."""
    published: PublishedOutcome | None = None
    version: int = 0


def summarize_decision(decision: Decision) -> DecisionSummary:
    finding = next(
        (one for one in decision.findings if one.verdict is decision.verdict and one.next_step),
        None,
    )
    return DecisionSummary(
        seq=decision.seq,
        decided_at=decision.decided_at,
        verdict=decision.verdict,
        branch=_cut(decision.branch),
        to=_cut(decision.to),
        sender=_cut(decision.sender),
        kind=decision.kind[:MAX_TEXT],
        segments=max(0, min(decision.segments, MAX_SEGMENTS)),
        person_id=_cut(decision.person_id),
        request_id=decision.request_id,
        case_id=_cut(decision.case_id),
        event_id=_cut(decision.event_id),
        event_at=decision.event_at,
        event_title=_cut(decision.event_title, MAX_NAME),
        time_zone=_cut(decision.time_zone, MAX_NAME),
        valid_until=decision.valid_until,
        resend_of=valid_identity(decision.resend_of),
        requested_at=decision.requested_at,
        reason=_cut(finding.reason) if finding else None,
        next_step=finding.next_step[:MAX_NEXT_STEP] if finding else None,
        rule=_deciding_rule(decision) if decision.case_id else None,
        written_by=_cut(decision.written_by),
        test_mode=decision.test_mode,
    )


def _deciding_rule(decision: Decision) -> str | None:
    """The first of those with the decision's own verdict.  What may go needs none."""
    if decision.verdict is Verdict.SEND:
        return None
    return next(
        (_cut(one.rule) for one in decision.findings if one.verdict is decision.verdict), None
    )


def build_report(record: InputRecord, now: datetime) -> Report:
    """No report is later than now, whatever the record claims."""
    value: Attempt | DeliveryReceipt = record.value
    if isinstance(value, Attempt):
        return Report(
            source=ATTEMPT,
            word=value.state,
            code=_cut(value.code),
            provider_id=_cut(value.provider_id),
            sender=_cut(value.sender),
            to=_cut(value.to),
            segments=_parse_segments(value.segments),
            at=min(value.at, now),
            partition=record.partition,
            offset=record.offset,
        )
    return Report(
        source=RECEIPT,
        word=value.status.strip().lower()[:MAX_TEXT],
        code=_cut(value.error_code),
        provider_id=_cut(value.provider_id),
        segments=_parse_segments(value.raw.get("NumSegments")),
        at=min(value.received_at, now),
        partition=record.partition,
        offset=record.offset,
    )


def _parse_segments(value: int | str | None) -> int | None:
    """The billed count.  None for 0 and for what cannot be the count of one text."""
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) <= 3 and int(text) else None


def _cut(text: str | None, longest: int = MAX_TEXT) -> str | None:
    return text[:longest] if text else None


def valid_identity(text: str | None) -> str | None:
    """None for what is no identity on the wire: a record about it could not be written."""
    return text if text and IDENTITY.fullmatch(text) else None
