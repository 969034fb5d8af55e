"""The inbox: who waits for an answer, the longest first; and replies that may be a STOP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.consent import ConsentAction
from schemas.numbers import e164
from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.rendering import draw
from services.console.scope import sees_thread
from services.console.viewer import Permission
from services.ledger.cases import list_people
from services.ledger.questions import OpenQuestion, list_questions
from services.ledger.threads import WaitingThread, find_threads, list_waiting_threads
from services.operations.consent import build_consent_event, record_consent

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/inbox"
PAGE: Final = 50


class InboxTab(NamedTuple):
    name: str
    title: str
    empty: str
    """What to say where there is nothing."""


TABS: Final = (
    InboxTab("waiting", "Waiting", "Nobody waits for an answer."),
    InboxTab("mine", "Mine", "Nothing that you have waits for an answer."),
    InboxTab("unassigned", "In no case", "Every reply that waits belongs to a case."),
    InboxTab("maybe-stop", "May be a STOP", "No reply is in question."),
)


class WaitingLine(NamedTuple):
    waiting: WaitingThread
    names: tuple[str, ...]
    since: datetime


@router.get(PATH)
def show_inbox(
    visit: Annotated[Visit, Allow(Permission.READ)],
    tab: Annotated[str, Query(max_length=20)] = "waiting",
    after: Annotated[int, Query(ge=0, le=100_000)] = 0,
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    if tab not in {one.name for one in TABS}:
        raise HTTPException(404)
    template = "parts/inbox.html" if part else "inbox.html"
    return draw(visit, template, **_read(visit, tab, after))


def _read(visit: Visit, tab: str, after: int) -> dict[str, Any]:
    ledger = visit.console.ledger
    waiting = [
        one for one in list_waiting_threads(ledger, visit.tenant) if sees_thread(visit, one.thread)
    ]
    shown = {
        "waiting": waiting,
        "mine": [one for one in waiting if one.thread.assigned_to == visit.viewer.name],
        "unassigned": [one for one in waiting if not _case_of(one)],
    }
    questions = _list_questions(visit)
    counts = {name: len(found) for name, found in shown.items()} | {"maybe-stop": len(questions)}
    found = shown.get(tab, [])
    return {
        "tabs": TABS,
        "tab": tab,
        "counts": counts,
        "lines": _with_names(visit, found[after : after + PAGE]),
        "questions": questions[after : after + PAGE] if tab == "maybe-stop" else (),
        "next_after": after + PAGE if counts[tab] > after + PAGE else None,
        "empty": next(one.empty for one in TABS if one.name == tab),
    }


def _list_questions(visit: Visit) -> list[OpenQuestion]:
    """Of conversations that the viewer may see."""
    ledger = visit.console.ledger
    found = list_questions(ledger, visit.tenant)
    if visit.branches is None:
        return list(found)
    return [
        one
        for one in found
        if sees_thread(visit, next(iter(find_threads(ledger, one.number, visit.tenant)), None))
    ]


def _case_of(one: WaitingThread) -> str | None:
    last = one.thread.to_answer
    return last.case_id if last else None


def _with_names(visit: Visit, found: Iterable[WaitingThread]) -> list[WaitingLine]:
    found = list(found)
    ids = {person_id for one in found for person_id in one.thread.person_ids}
    people = list_people(visit.console.ledger, visit.tenant, ids)
    return [
        WaitingLine(
            one,
            tuple(
                people[name].name or name if name in people else name
                for name in one.thread.person_ids
            ),
            one.thread.waiting_since or visit.now,
        )
        for one in found
    ]


ANSWERS: Final = {"stop": ConsentAction.OPT_OUT, "go-on": ConsentAction.GO_ON}
"""What staff say of a reply that may be a STOP."""


@router.post(PATH + "/questions")
async def answer_question(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    number: Annotated[str, Form(max_length=40)],
    answer: Annotated[str, Form(max_length=10)],
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    """They want no more texts, or they do: said by name, for the record."""
    if answer not in ANSWERS:
        raise HTTPException(422)
    known = {one.number for one in _list_questions(visit)}

    async def record() -> str:
        if e164(number) in known:
            event = build_consent_event(
                ANSWERS[answer],
                e164(number),
                visit.tenant,
                None,
                {"actor": visit.viewer.name, "text": None},
                visit.now,
            )
            await record_consent(visit.console.kafka, event)
        return "done"

    await once(visit, form_key, record)
    return RedirectResponse(f"/t/{visit.tenant}/inbox?tab=maybe-stop", 303)
