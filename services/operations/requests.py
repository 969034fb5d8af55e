"""Ask for a text: to a number, to a person, or a test text to find out whether somebody can be reached."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.person import PersonRequest
from schemas.send_request import SendRequest
from schemas.topics import PERSON_REQUESTS, SEND_REQUESTS
from services.ledger import Ledger
from services.ledger.people import PersonView, find_people
from services.operations.errors import InvalidRequest
from services.operations.session import Session
from services.operations.validation import build_message, new_id

TEST_LIFE: Final = timedelta(minutes=15)
"""Somebody looks at their phone now: a test text that comes later is of no use."""


async def request_text(kafka: Session, request: SendRequest) -> None:
    """Raises OperationError."""
    await kafka.require_tenants(request.tenant)
    await kafka.publish(SEND_REQUESTS, [request])


async def request_person_text(kafka: Session, request: PersonRequest) -> None:
    """Raises OperationError."""
    await kafka.publish(PERSON_REQUESTS, [request])


def build_test_request(
    ledger: Ledger,
    person_id: str,
    tenant: str | None,
    number: str | None,
    body: str | None,
    by: str,
    now: datetime,
) -> PersonRequest:
    """`number`: one of their numbers, in E.164; None lets the people processor choose.  Raises InvalidRequest."""
    known = _find_person(find_people(ledger, person_id, tenant), person_id, tenant)
    owner = known.person["tenant"]
    names = ledger.rows(
        "SELECT json_extract(json, '$.name') AS name FROM tenants WHERE tenant = ?", owner
    )
    signature = names[0]["name"] if names else owner
    return build_message(
        PersonRequest,
        message_id=new_id("test"),
        tenant=owner,
        person_id=person_id,
        kind="test",
        to=number,
        body=body or f"{signature}: this is a test. Nothing to do.",
        valid_until=now + TEST_LIFE,
        requested_at=now,
        requested_by=by,
    )


def _find_person(found: tuple[PersonView, ...], person_id: str, tenant: str | None) -> PersonView:
    if len(found) > 1:
        tenants = ", ".join(one.person["tenant"] for one in found)
        raise InvalidRequest(f"{tenants} each know a {person_id!r}", "say --tenant")
    if not found or found[0].person.get("deleted"):
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"Nobody is on record as {person_id!r}{at}")
    if not found[0].person.get("numbers"):
        raise InvalidRequest(f"There is no number on file for {person_id!r}", "add one first")
    return found[0]
