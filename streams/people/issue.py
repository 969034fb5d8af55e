"""What people tells the others of a request: ask for it, take it back, or say why it waits or ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from schemas.decision import Decision, Finding, Verdict
from schemas.person import Person
from schemas.request_cancel import PEOPLE, CancelRequest
from schemas.send_request import Resolved, SendRequest
from schemas.topics import DECISIONS, REQUEST_CANCELS, SEND_REQUESTS
from streams.body_limits import BODY_AT_MOST
from streams.encoding.smart import outgoing
from streams.people.state import RequestRow
from streams.processing import Publication, Settings
from streams.segments import segments

NO_SETTINGS: Final = "none"
"""The policy version of a decision about a tenant that has no settings."""


def asked(row: RequestRow, number: str, person: Person | None) -> Publication:
    """To the gate.  What the request does not say of the recipient's zone and region, the person does."""
    request = row.request
    shared = request.model_dump(
        exclude={"to", "number_type", "time_zone", "postal_region", "resend_of", "message_id"}
    )
    wanted = SendRequest(
        **shared,
        message_id=row.message_id,
        to=number,
        time_zone=request.time_zone or (person.time_zone if person else None),
        postal_region=request.postal_region or (person.postal_region if person else None),
        resend_of=row.resend_of,
        resolved=Resolved(
            person_id=request.person_id,
            request_id=request.message_id,
            received_at=row.received,
            decided=row.decided,
        ),
    )
    return Publication(SEND_REQUESTS, wanted)


def taken_back(row: RequestRow, now: datetime, reason: str) -> Publication:
    """Named as it was issued, under the number it was issued to."""
    back = CancelRequest(
        tenant=row.request.tenant,
        number=row.number,
        message_id=row.message_id,
        reason=reason,
        by=PEOPLE,
        at=now,
    )
    return Publication(REQUEST_CANCELS, back)


def decided(
    row: RequestRow,
    verdict: Verdict,
    findings: Iterable[Finding],
    now: datetime,
    settings: Settings,
) -> Publication:
    """Ours count from 1; the gate counts on from what the request says was decided, so that its own hold."""
    request = row.request
    body = outgoing(request.body, settings.tenants.get(request.tenant))
    decision = Decision(
        message_id=row.message_id,
        tenant=request.tenant,
        branch=request.branch,
        sender=request.sender,
        kind=request.kind,
        segments=segments(body) if len(body) <= BODY_AT_MOST else 0,
        person_id=request.person_id,
        case_id=request.case_id,
        event_id=request.event_id,
        event_at=request.event_at,
        event_title=request.event_title,
        time_zone=request.time_zone,
        valid_until=request.valid_until,
        resend_of=row.resend_of,
        request_id=request.message_id,
        requested_at=request.requested_at,
        requested_by=request.requested_by,
        verdict=verdict,
        findings=tuple(findings),
        decided_at=now,
        policy_version=settings.versions.get(request.tenant, NO_SETTINGS),
        consent_epoch=0,
        evidence=row.place,
        seq=row.decided + 1,
    )
    return Publication(DECISIONS, decision)
