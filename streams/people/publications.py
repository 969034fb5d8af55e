"""Build what people publishes about a request: the send request, its cancel, and our own
decisions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from schemas.base import RequestContext, copy_context
from schemas.case import CaseAnswer
from schemas.decision import Decision, Finding, Verdict
from schemas.person import Person
from schemas.send_request import CancelRequest, CancelSource, Resolved, SendRequest
from schemas.topics import CASE_ANSWERS, DECISIONS, REQUEST_CANCELS, SEND_REQUESTS
from streams.encoding.body import MAX_BODY, encode_body
from streams.encoding.segments import count_segments
from streams.lifecycle import State
from streams.people.state import RequestEntry
from streams.processing import Publication, Settings

NO_SETTINGS: Final = "none"
"""The policy version of a decision about a tenant that has no settings."""


def build_send_request(entry: RequestEntry, number: str, person: Person | None) -> Publication:
    """To the gate.  The person's zone and region stand in where the request names none."""
    request = entry.request
    shared = request.model_dump(
        exclude={"to", "number_type", "time_zone", "postal_region", "resend_of", "message_id"}
    )
    wanted = SendRequest(
        **shared,
        message_id=entry.message_id,
        to=number,
        time_zone=request.time_zone or (person.time_zone if person else None),
        postal_region=request.postal_region or (person.postal_region if person else None),
        resend_of=entry.resend_of,
        resolved=Resolved(
            person_id=request.person_id,
            request_id=request.message_id,
            received_at=entry.received,
            decided=entry.decided,
        ),
    )
    return Publication(SEND_REQUESTS, wanted)


def confirm_cancel(
    tenant: str, case_id: str | None, request_id: str, now: datetime
) -> tuple[Publication, ...]:
    """Tell the case that took it back that nothing of it is under way any more, under any id."""
    if case_id is None:
        return ()
    answer = CaseAnswer(
        tenant=tenant,
        case_id=case_id,
        request_id=request_id,
        message_id=request_id,
        state=State.CANCELED,
        final=True,
        version=0,
        confirms_cancel=True,
        at=now,
    )
    return (Publication(CASE_ANSWERS, answer),)


def build_cancel(
    entry: RequestEntry, now: datetime, reason: str, by: str = CancelSource.PEOPLE
) -> Publication:
    """Under the id and the number that it was issued with."""
    cancel = CancelRequest(
        tenant=entry.request.tenant,
        number=entry.number,
        message_id=entry.message_id,
        reason=reason,
        by=by,
        at=now,
    )
    return Publication(REQUEST_CANCELS, cancel)


def build_decision(
    entry: RequestEntry,
    verdict: Verdict,
    findings: Iterable[Finding],
    now: datetime,
    settings: Settings,
) -> Publication:
    """Our decisions count from 1.  The gate counts on from `Resolved.decided`, so that its
    decisions replace ours."""
    request = entry.request
    body = encode_body(request.body, settings.tenants.get(request.tenant))
    decision = Decision(
        message_id=entry.message_id,
        tenant=request.tenant,
        **copy_context(request, RequestContext),
        segments=count_segments(body) if len(body) <= MAX_BODY else 0,
        resend_of=entry.resend_of,
        request_id=request.message_id,
        verdict=verdict,
        findings=tuple(findings),
        decided_at=now,
        policy_version=settings.versions.get(request.tenant, NO_SETTINGS),
        consent_epoch=0,
        evidence=entry.place,
        seq=entry.decided + 1,
    )
    return Publication(DECISIONS, decision)
