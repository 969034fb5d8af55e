"""The inbox: who waits for an answer, the longest first; and replies that may be a STOP."""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.consent import ConsentAction
from schemas.numbers import e164
from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.rendering import draw
from services.console.scope import scope_of, sees_thread
from services.console.viewer import Permission
from services.ledger.paging import InvalidCursor, Page
from services.ledger.questions import (
    OpenQuestion,
    count_questions,
    find_question,
    read_questions,
)
from services.ledger.thread_pages import ThreadFilter, ThreadRow, count_threads, read_threads
from services.ledger.threads import find_threads
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


@router.get(PATH)
def show_inbox(
    visit: Annotated[Visit, Allow(Permission.READ)],
    tab: Annotated[str, Query(max_length=20)] = "waiting",
    after: Annotated[str, Query(max_length=2000)] = "",
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    if tab not in {one.name for one in TABS}:
        raise HTTPException(404)
    template = "parts/inbox.html" if part else "inbox.html"
    try:
        return draw(visit, template, **_read(visit, tab, after))
    except InvalidCursor:
        raise HTTPException(404) from None


def _read(visit: Visit, tab: str, after: str) -> dict[str, Any]:
    """Raises InvalidCursor."""
    ledger, scope = visit.console.ledger, scope_of(visit)
    waiting = ThreadFilter(scope, waiting=True, any_case=True)
    lists = {
        "waiting": waiting,
        "mine": waiting._replace(assigned_to=visit.viewer.name),
        "unassigned": waiting._replace(without_case=True),
    }
    lines, questions = Page[ThreadRow](()), Page[OpenQuestion](())
    with ledger.snapshot():
        counts = {name: count_threads(ledger, wanted) for name, wanted in lists.items()}
        counts["maybe-stop"] = count_questions(ledger, scope)
        if tab in lists:
            lines = read_threads(ledger, lists[tab], cursor=after or None, limit=PAGE)
        else:
            questions = read_questions(ledger, scope, cursor=after or None, limit=PAGE)
    return {
        "tabs": TABS,
        "tab": tab,
        "after": after,
        "counts": counts,
        "lines": lines.rows,
        "questions": questions.rows,
        "next_after": lines.cursor or questions.cursor,
        "empty": next(one.empty for one in TABS if one.name == tab),
    }


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

    async def record() -> str:
        if _is_asked(visit, number):
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


def _is_asked(visit: Visit, number: str) -> bool:
    """Whether it is in question, in a conversation that the viewer may see."""
    ledger = visit.console.ledger
    thread = next(iter(find_threads(ledger, number, visit.tenant)), None)
    return sees_thread(visit, thread) and find_question(ledger, visit.tenant, number) is not None
