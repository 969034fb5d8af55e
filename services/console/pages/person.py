"""One person: their numbers with the consent of each, their cases, conversations and texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.numbers import e164
from schemas.person import NumberType, Person, PersonEvent
from services.console.access import Allow, Visit
from services.console.forms import find_result, once
from services.console.message_words import kind_words, state_words
from services.console.people_view import (
    SMS_OFF,
    describe_person,
    find_person,
    list_numbers,
    scope_of,
    show_number,
    show_span,
)
from services.console.rendering import draw
from services.console.scope import sees_thread
from services.console.viewer import Permission
from services.ledger.case_pages import CaseFilter, CaseRow, read_cases
from services.ledger.message_pages import MessageFilter, read_messages
from services.ledger.people import list_numbers_of
from services.ledger.person_pages import PersonRow
from services.ledger.threads import find_threads
from services.operations.errors import OperationError
from services.operations.person_changes import (
    add_number,
    prefer_number,
    publish_change,
    remove_number,
    switch_number,
    wait_for_change,
)

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/people/{person_id}"
TEXTS: Final = 10
CASES: Final = 50
"""Of each the latest, at most so many."""
PARTS: Final = {"numbers": "parts/person_numbers.html", "texts": "parts/person_texts.html"}
KINDS: Final = {
    NumberType.MOBILE: "Mobile",
    NumberType.HOME: "Home",
    NumberType.WORK: "Work",
    NumberType.OTHER: "Other",
}


def require_person(visit: Visit, person_id: str) -> PersonRow:
    row = find_person(visit, person_id)
    if row is None:
        raise HTTPException(404)
    return row


@router.get(PATH)
def show_person(
    visit: Annotated[Visit, Allow(Permission.READ)],
    person_id: str,
    part: Annotated[str, Query(max_length=20)] = "",
    done: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    row = require_person(visit, person_id)
    if part and part not in PARTS:
        raise HTTPException(404)
    notice = find_result(visit, done) if done else None
    return _draw(visit, row, template=PARTS.get(part, "person.html"), notice=notice)


def _draw(
    visit: Visit,
    row: PersonRow,
    *,
    template: str = "person.html",
    status: int = 200,
    **shown: Any,
) -> Response:
    person = row.person
    context: dict[str, Any] = {
        "person": person,
        "about": describe_person(person),
        "numbers": list_numbers(visit, [person], facts=True)[0],
        "kinds": KINDS,
        "sms_off": SMS_OFF,
        "span": show_span,
        "show_number": show_number,
        "state_words": state_words,
        "kind_words": kind_words,
        "may_write": visit.may(Permission.WRITE),
        "given": {},
        "problem": "",
        "notice": None,
    }
    if template != PARTS["numbers"]:
        context |= {
            "texts": _list_texts(visit, person),
            "cases": _list_cases(visit, person),
            "threads": _list_threads(visit, person),
        }
    return draw(visit, template, status=status, **context | shown)


def _list_texts(visit: Visit, person: Person) -> Any:
    wanted = MessageFilter(scope_of(visit), person=person.person_id)
    return read_messages(visit.console.ledger, wanted, visit.now, limit=TEXTS).rows


def _list_cases(visit: Visit, person: Person) -> list[CaseRow]:
    """The open ones first."""
    wanted = CaseFilter(scope_of(visit), closed=None, person=person.person_id)
    rows = read_cases(visit.console.ledger, wanted, visit.now, limit=CASES).rows
    return sorted(rows, key=lambda one: one.closed)


def _list_threads(visit: Visit, person: Person) -> list[Any]:
    """Of the numbers that they have, then of those that they had."""
    ledger = visit.console.ledger
    now = [e164(one.number) for one in person.numbers]
    former = list_numbers_of(ledger, visit.tenant, person.person_id)
    found = [
        (number, next(iter(find_threads(ledger, number, visit.tenant)), None))
        for number in dict.fromkeys((*now, *former))
    ]
    return [
        (number, thread, number in now)
        for number, thread in found
        if thread is not None and sees_thread(visit, thread)
    ]


# What staff change.

Change = Callable[[Person, str, str, Any], PersonEvent]


@router.post(PATH + "/numbers")
async def add(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    person_id: str,
    form_key: Annotated[str, Form(max_length=60)],
    number: Annotated[str, Form(max_length=60)] = "",
    kind: Annotated[str, Form(max_length=10)] = NumberType.MOBILE,
) -> Response:
    row = require_person(visit, person_id)
    if kind not in {one.value for one in NumberType}:
        raise HTTPException(422)

    def build() -> PersonEvent:
        return add_number(row.person, number, NumberType(kind), visit.viewer.name, visit.now)

    said = "{} is added. Ask them to opt in before you text them."
    try:
        return await change_person(visit, form_key, build, said.format(show_number(number)))
    except OperationError as error:
        given = {"number": number, "kind": kind}
        return _draw(visit, row, status=422, given=given, problem=str(error))


@router.post(PATH + "/switch")
async def change_number(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    person_id: str,
    form_key: Annotated[str, Form(max_length=60)],
    number: Annotated[str, Form(max_length=60)],
    act: Annotated[str, Form(max_length=10)],
) -> Response:
    """The buttons beside a number: texts on or off, make it the main one, remove it."""
    person = require_person(visit, person_id).person
    by, now, shown = visit.viewer.name, visit.now, show_number(number)
    acts: dict[str, tuple[Callable[[], PersonEvent], str]] = {
        "on": (
            lambda: switch_number(person, number, True, by, now),
            f"Texts to {shown} are switched on.",
        ),
        "off": (
            lambda: switch_number(person, number, False, by, now),
            f"Texts to {shown} are switched off.",
        ),
        "main": (
            lambda: prefer_number(person, number, by, now),
            f"Texts go to {shown} first.",
        ),
        "remove": (
            lambda: remove_number(person, number, by, now),
            f"{shown} is removed. What it said of consent stays on record.",
        ),
    }
    if act not in acts:
        raise HTTPException(422)
    build, words = acts[act]
    return await change_person(visit, form_key, build, words)


async def change_person(
    visit: Visit, form_key: str, build: Callable[[], PersonEvent], words: str
) -> Response:
    """Publish the change, and show the person with it.  Raises OperationError."""
    ledger, kafka = visit.console.ledger, visit.console.kafka
    person_id = visit.request.path_params["person_id"]

    async def work() -> dict[str, str]:
        event = build()
        await publish_change(kafka, event)
        if await wait_for_change(kafka, ledger, event):
            return {"kind": "good", "words": words}
        return {"kind": "warn", "words": "It is recorded, and will be shown in a moment."}

    await once(visit, form_key, work)
    return RedirectResponse(f"/t/{visit.tenant}/people/{person_id}?done={form_key}", 303)
