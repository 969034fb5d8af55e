"""Calls for people, consents, usage and senders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, TypedDict

from services.client.models.consents import (
    ConsentClaim,
    ConsentHistory,
    ConsentStatus,
    ConsentTaken,
)
from services.client.models.people import PersonAccepted, PersonInput, PersonItem, PersonPage
from services.client.models.reports import Senders, Usage
from services.client.operation import Operation, change, new_identity, part, read

Reach = Literal["opted_in", "pending", "not_asked", "opted_out", "not_sms_enabled", "no_number"]


class PersonFilter(TypedDict, total=False):
    """What is not given matches all."""

    search: str
    """Part of a name, an id, an e-mail address or a number."""
    reach: Sequence[Reach]
    branch: Sequence[str]
    limit: int
    """Items of a page."""


class UsageFilter(TypedDict, total=False):
    """Days are the tenant's local ones, both included. Left out, the last 31."""

    since: date
    until: date
    branch: str
    sender: str
    kind: str
    state: str


def get_person(person_id: str) -> Operation[PersonItem]:
    return read(f"/v1/people/{part(person_id)}", PersonItem)


def put_person(
    person_id: str, person: PersonInput, idempotency_key: str | None
) -> Operation[PersonAccepted]:
    path = f"/v1/people/{part(person_id)}"
    return change("PUT", path, PersonAccepted, person, idempotency_key)


def list_people(given: PersonFilter) -> Operation[PersonPage]:
    return read("/v1/people", PersonPage, given)


def record_consent(tenant: str, claim: ConsentClaim) -> Operation[ConsentTaken]:
    """The claim's id is the identity of the call."""
    named = claim.model_copy(update={"event_id": claim.event_id or new_identity()})
    path = f"/v1/tenants/{part(tenant)}/consents"
    return change("POST", path, ConsentTaken, named, named.event_id)


def get_consent(number: str) -> Operation[ConsentStatus]:
    return read(f"/v1/consents/{part(number)}", ConsentStatus)


def get_consent_history(number: str) -> Operation[ConsentHistory]:
    return read(f"/v1/consents/{part(number)}/history", ConsentHistory)


def usage(given: UsageFilter) -> Operation[Usage]:
    return read("/v1/usage", Usage, given)


def senders() -> Operation[Senders]:
    return read("/v1/senders", Senders)
