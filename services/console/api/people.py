"""People and their numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.base import Message, Slug
from schemas.numbers import e164
from schemas.person import NumberChange, NumberType, PersonAction, PersonEvent
from schemas.time_zones import hint_at_places, is_place
from services.console.api.calls import ApiRoute, Call, changes, reads
from services.console.api.once import once
from services.console.api.paging import (
    Next,
    PageQuery,
    as_given,
    invalid,
    next_page,
    not_found,
    scope_of,
)
from services.console.api.scopes import Scope
from services.ledger.person_index import Reach
from services.ledger.person_pages import PersonFilter, PersonRow, find_person_row, read_people
from services.operations.person_changes import publish_change
from streams.gate.number_validation import PROBLEMS, validate_number
from streams.people.state import MAX_NUMBERS

router = APIRouter(route_class=ApiRoute, tags=["people"])
Short = Annotated[str, Field(max_length=200)]


class PersonQuery(PageQuery):
    """What is not given matches all."""

    search: Short = ""
    """Part of a name, an id, an e-mail address or a number."""
    reach: list[Reach] = []
    branch: list[str] = []


class PersonNumberItem(BaseModel):
    number: str
    type: NumberType
    sms_enabled: bool
    primary: bool


class PersonItem(BaseModel):
    person_id: str
    name: str
    first_name: str | None
    role: str | None
    email: str | None
    language: str | None
    time_zone: str | None
    postal_region: str | None
    numbers: list[PersonNumberItem]
    reach: Reach
    """Whether a text can go to them."""
    changed_at: datetime


class PersonPage(BaseModel):
    items: list[PersonItem]
    next: Next


class NumberInput(Message):
    """A new number is a mobile, on for texts, and not the primary one, unless it says so."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, Field(max_length=64)]
    type: NumberType | None = None
    sms_enabled: bool | None = None
    primary: bool | None = None


class PersonInput(Message):
    """The whole person: what is left out is removed."""

    model_config = ConfigDict(extra="forbid")

    name: Short | None = None
    first_name: Short | None = None
    role: Short | None = None
    email: Short | None = None
    language: Annotated[str, Field(max_length=16)] | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    postal_region: Annotated[str, Field(max_length=16)] | None = None
    numbers: Annotated[tuple[NumberInput, ...], Field(max_length=MAX_NUMBERS)] = ()


class PersonAccepted(BaseModel):
    """Kafka has it."""

    person_id: str


@router.get("/v1/people")
def list_people(
    call: Annotated[Call, reads(Scope.PEOPLE)], query: Annotated[PersonQuery, Query()]
) -> PersonPage:
    """List people by name."""
    wanted = PersonFilter(
        scope_of(call),
        reach=frozenset(query.reach),
        branches=as_given(query.branch),
        search=query.search,
    )
    page = read_people(call.ledger, wanted, cursor=query.cursor, limit=query.limit)
    return PersonPage(
        items=[_describe(row) for row in page.rows], next=next_page(call, query, page.cursor)
    )


@router.get("/v1/people/{person_id}")
def get_person(call: Annotated[Call, reads(Scope.PEOPLE)], person_id: Slug) -> PersonItem:
    """Look at one person."""
    found = find_person_row(call.ledger, scope_of(call), call.tenant, person_id)
    if found is None:
        raise not_found("person")
    return _describe(found)


@router.put("/v1/people/{person_id}", status_code=202, response_model=PersonAccepted)
async def put_person(
    call: Annotated[Call, changes(Scope.PEOPLE)], person_id: Slug, told: PersonInput
) -> Response:
    """Say all that is known of a person."""
    numbers = [_check_number(one, n) for n, one in enumerate(told.numbers)]
    if told.time_zone is not None and not is_place(told.time_zone):
        raise invalid("time_zone", f"write a place of IANA: {hint_at_places(told.time_zone)}")

    async def work() -> PersonAccepted:
        fields = {name: getattr(told, name) for name in _FIELDS}
        event = PersonEvent(
            event_id=call.identity("p"),
            tenant=call.tenant,
            person_id=person_id,
            action=PersonAction.UPSERT,
            numbers=tuple(numbers),
            at=call.now,
            by=call.by,
            **fields,
        )
        await publish_change(call.kafka, event)
        return PersonAccepted(person_id=person_id)

    return await once(call, told, work)


_FIELDS = tuple(name for name in PersonInput.model_fields if name != "numbers")


def _check_number(given: NumberInput, n: int) -> NumberChange:
    """Raises Problem."""
    number = e164(given.number)
    if problem := validate_number(number).problem:
        what, fix = PROBLEMS[problem]
        raise invalid(f"numbers.{n}.number", f"{what}: {fix}")
    return NumberChange(
        number=number, type=given.type, sms_enabled=given.sms_enabled, primary=given.primary
    )


def _describe(row: PersonRow) -> PersonItem:
    person = row.person
    return PersonItem(
        person_id=person.person_id,
        name=person.name,
        first_name=person.first_name,
        role=person.role,
        email=person.email,
        language=person.language,
        time_zone=person.time_zone,
        postal_region=person.postal_region,
        numbers=[
            PersonNumberItem(
                number=one.number, type=one.type, sms_enabled=one.sms_enabled, primary=one.primary
            )
            for one in person.numbers
        ],
        reach=row.reach,
        changed_at=person.at,
    )
