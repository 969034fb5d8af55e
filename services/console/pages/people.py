"""People: who can be texted, who has not opted in yet, and why not."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.people_view import (
    SMS_OFF,
    list_numbers,
    read_search,
    scope_of,
    show_span,
)
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger import Ledger
from services.ledger.cases import find_settings
from services.ledger.paging import InvalidCursor, Page
from services.ledger.person_index import Reach
from services.ledger.person_pages import PersonFilter, PersonRow, count_reach, read_people
from services.operations.errors import OperationError
from services.operations.person_changes import build_person, publish_change, wait_for_person

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/people"
"""Below it are people by their ids. No id begins with `-`: what else there is stands below that."""
PAGE: Final = 50
ROUNDS: Final = 2
"""Of a search that finds nobody at first."""


class Choice(NamedTuple):
    name: str
    title: str
    reach: frozenset[Reach]


CHOICES: Final = (
    Choice("", "Everybody", frozenset()),
    Choice("not-opted-in", "Has not opted in", frozenset({Reach.PENDING, Reach.NOT_ASKED})),
    Choice("reachable", "Can be reached", frozenset({Reach.OPTED_IN})),
    Choice("pending", "Asked, no answer yet", frozenset({Reach.PENDING})),
    Choice("not-asked", "Not asked yet", frozenset({Reach.NOT_ASKED})),
    Choice("opted-out", "Opted out", frozenset({Reach.OPTED_OUT})),
    Choice("no-texts", "SMS off or no number", frozenset({Reach.NOT_SMS_ENABLED, Reach.NO_NUMBER})),
)
_BY_NAME: Final = {one.name: one for one in CHOICES}


class Figure(NamedTuple):
    """How many people, and the list of them."""

    choice: Choice
    people: int


@router.get(PATH)
def show_people(
    visit: Annotated[Visit, Allow(Permission.READ)],
    q: Annotated[str, Query(max_length=100)] = "",
    consent: Annotated[str, Query(max_length=20)] = "",
    branch: Annotated[str, Query(max_length=128)] = "",
    after: Annotated[str, Query(max_length=2000)] = "",
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    if consent not in _BY_NAME:
        raise HTTPException(404)
    template = "parts/people.html" if part == "people" else "people.html"
    return draw(visit, template, **_read(visit, q.strip(), consent, branch, after))


def _read(visit: Visit, q: str, consent: str, branch: str, after: str) -> dict[str, Any]:
    ledger = visit.console.ledger
    settings = find_settings(ledger, visit.tenant)
    known = settings.branches if settings else {}
    branches = {
        name: one.name or name
        for name, one in known.items()
        if visit.branches is None or name in visit.branches
    }
    if branch and branch not in branches:
        raise HTTPException(404)
    chosen = frozenset({branch} if branch else ())
    scope = scope_of(visit)
    wanted = PersonFilter(scope, _BY_NAME[consent].reach, chosen, read_search(q))
    try:
        page = _read_page(ledger, wanted, after or None)
    except InvalidCursor:
        raise HTTPException(404) from None
    counts = count_reach(ledger, scope, chosen)
    everybody = sum(counts.values())
    query = {"q": q, "consent": consent, "branch": branch}
    numbers = list_numbers(visit, [row.person for row in page.rows])
    return {
        "rows": list(zip(page.rows, numbers, strict=True)),
        "next": _address(visit, query | {"after": page.cursor}) if page.cursor else None,
        "here": _address(visit, query | {"after": after}),
        "everybody": everybody,
        "reachable": counts[Reach.OPTED_IN],
        "figures": [
            Figure(one, sum(counts[reach] for reach in one.reach))
            for one in CHOICES
            if one.name not in ("", "not-opted-in", "reachable")
        ],
        "choices": CHOICES,
        "choice": _BY_NAME[consent],
        "address": lambda **changed: _address(visit, query | changed),
        "query": query,
        "branches": branches,
        "sees_all": visit.branches is None,
        "may_write": visit.may(Permission.WRITE),
        "sms_off": SMS_OFF,
        "span": show_span,
    }


def _read_page(ledger: Ledger, wanted: PersonFilter, cursor: str | None) -> Page[PersonRow]:
    """A page with somebody on it, if there is anybody near. A search for what many have looks at so
    many names at a time. Raises InvalidCursor."""
    for _ in range(ROUNDS):
        page = read_people(ledger, wanted, cursor=cursor, limit=PAGE)
        if page.rows or page.cursor is None:
            break
        cursor = page.cursor
    return page


def _address(visit: Visit, query: dict[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/t/{visit.tenant}/people" + (f"?{urlencode(given)}" if given else "")


@router.get(PATH + "/-/new")
def show_new(visit: Annotated[Visit, Allow(Permission.WRITE)]) -> Response:
    return draw(visit, "person_new.html", given={}, problem="")


@router.post(PATH + "/-/new")
async def add_person(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    form_key: Annotated[str, Form(max_length=60)],
    name: Annotated[str, Form(max_length=200)] = "",
    person_id: Annotated[str, Form(max_length=128)] = "",
    number: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Somebody of this id who is on record already is shown instead, unchanged."""
    ledger, kafka = visit.console.ledger, visit.console.kafka

    async def add() -> str:
        event = build_person(
            visit.tenant, person_id.strip(), name, number, visit.viewer.name, visit.now
        )
        if not await wait_for_person(kafka, ledger, event, patience=0):
            await publish_change(kafka, event)
            await wait_for_person(kafka, ledger, event)
        return event.person_id

    try:
        added, _ = await once(visit, form_key, add)
    except OperationError as error:
        given = {"name": name, "person_id": person_id, "number": number}
        return draw(visit, "person_new.html", status=422, given=given, problem=str(error))
    return RedirectResponse(f"/t/{visit.tenant}/people/{added}", 303)
