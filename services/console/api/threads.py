"""Conversations: who waits, what passed, and what to answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.base import Message, Slug
from schemas.send_request import UNDO_AT_MOST
from schemas.thread import Thread
from services.console.api.calls import ApiRoute, Call, changes, reads
from services.console.api.numbers import Number
from services.console.api.once import once
from services.console.api.paging import (
    Next,
    PageQuery,
    as_given,
    next_page,
    not_found,
    parse_number,
    scope_of,
)
from services.console.api.scopes import Scope
from services.console.api.send_requests import Accepted
from services.ledger.entry_pages import read_entries
from services.ledger.thread_pages import ThreadFilter, ThreadRow, read_threads
from services.ledger.threads import (
    Entry,
    EntryKind,
    find_thread_tenants,
    find_threads,
)
from services.operations.conversations import (
    Conversation,
    build_no_answer_needed,
    build_note,
    build_text,
    describe_entry,
    publish_thread_event,
)

router = APIRouter(route_class=ApiRoute, tags=["threads"])
Author = Annotated[str, Field(min_length=1, max_length=200)]


class ThreadQuery(PageQuery):
    """What is not given matches all."""

    waiting: bool | None = None
    assigned_to: Annotated[str, Field(max_length=200)] | None = None
    case_id: Slug | None = None
    branch: list[str] = []
    search: Annotated[str, Field(max_length=200)] = ""
    """Part of a number or of a name."""


class ThreadItem(BaseModel):
    number: str
    names: list[str]
    waiting_since: datetime | None
    """When the oldest text came that waits for an answer."""
    waiting_texts: int
    last_text: str | None
    case_ids: list[str]
    person_ids: list[str]
    assigned_to: str | None
    may_be_opt_out: bool
    """A text may be an opt-out, and staff have not answered yet."""
    changed_at: datetime


class ThreadPage(BaseModel):
    items: list[ThreadItem]
    next: Next


class EntryItem(BaseModel):
    kind: EntryKind
    at: datetime
    who: str
    """them, us, Sayso's own words for others, or a member of staff."""
    text: str
    state: str
    """Of a text that was sent."""
    id: str
    """Of a text: its message id, or the provider's."""


class EntryPage(BaseModel):
    items: list[EntryItem]
    next: Next


class ThreadAction(Message):
    model_config = ConfigDict(extra="forbid")

    written_by: Author | None = None
    """The member of staff, by name; left out, the key."""


class ReplyInput(ThreadAction):
    body: Annotated[str, Field(min_length=1, max_length=4000)]
    undo_seconds: Annotated[int, Field(ge=1, le=UNDO_AT_MOST)] | None = None
    """The gate holds it for so long, so that it can be taken back."""


class NoteInput(ThreadAction):
    text: Annotated[str, Field(min_length=1, max_length=4000)]


class Noted(BaseModel):
    """Kafka has it."""

    change_id: str


@router.get("/v1/threads")
def list_threads(
    call: Annotated[Call, reads(Scope.THREADS)], query: Annotated[ThreadQuery, Query()]
) -> ThreadPage:
    """List conversations: who waits longest first, then the last active."""
    wanted = ThreadFilter(
        scope_of(call),
        waiting=query.waiting,
        assigned_to=query.assigned_to,
        case=query.case_id,
        branches=as_given(query.branch),
        search=query.search,
    )
    page = read_threads(call.ledger, wanted, cursor=query.cursor, limit=query.limit)
    return ThreadPage(
        items=[_describe(row) for row in page.rows], next=next_page(call, query, page.cursor)
    )


@router.get("/v1/threads/{number}")
def get_thread(call: Annotated[Call, reads(Scope.THREADS)], number: Number) -> Thread:
    """Look at how a conversation stands."""
    found = find_threads(call.ledger, parse_number(number), call.tenant)
    if not found:
        raise not_found("conversation")
    return found[0]


@router.get("/v1/threads/{number}/entries")
def list_entries(
    call: Annotated[Call, reads(Scope.THREADS)],
    number: Number,
    query: Annotated[PageQuery, Query()],
) -> EntryPage:
    """List what passed, the newest first: texts both ways, notes, consent, mails."""
    about = _find(call, number)
    page = read_entries(
        call.ledger, call.tenant, about.number, cursor=query.cursor, limit=query.limit
    )
    return EntryPage(
        items=[_describe_entry(entry) for entry in page.rows],
        next=next_page(call, query, page.cursor),
    )


@router.post("/v1/threads/{number}/replies", status_code=202, response_model=Accepted)
async def reply(
    call: Annotated[Call, changes(Scope.THREADS)], number: Number, told: ReplyInput
) -> Response:
    """Answer by text."""
    about = _find(call, number)

    async def work() -> Accepted:
        by = told.written_by or call.by
        text = build_text(about, told.body, by, call.now, told.undo_seconds)
        named = text.model_copy(update={"message_id": call.identity("m")})
        await publish_thread_event(call.kafka, named)
        return Accepted(message_id=named.message_id)

    return await once(call, told, work)


@router.post("/v1/threads/{number}/notes", status_code=202, response_model=Noted)
async def add_note(
    call: Annotated[Call, changes(Scope.THREADS)], number: Number, told: NoteInput
) -> Response:
    """Leave words for colleagues; nobody is texted."""
    about = _find(call, number)

    async def work() -> Noted:
        note = build_note(about, told.text, told.written_by or call.by, call.now)
        return await _publish(call, note)

    return await once(call, told, work)


@router.post("/v1/threads/{number}/no-answer-needed", status_code=202, response_model=Noted)
async def need_no_answer(
    call: Annotated[Call, changes(Scope.THREADS)], number: Number, told: ThreadAction
) -> Response:
    """Say that somebody has read it, and that no answer is due."""
    about = _find(call, number)

    async def work() -> Noted:
        done = build_no_answer_needed(about, told.written_by or call.by, call.now)
        return await _publish(call, done)

    return await once(call, told, work)


async def _publish(call: Call, event: Message) -> Noted:
    named = event.model_copy(update={"change_id": call.identity("n")})
    await publish_thread_event(call.kafka, named)
    return Noted(change_id=named.change_id)  # type: ignore[attr-defined]  # each thread event has one


def _find(call: Call, written: str) -> Conversation:
    """Raises Problem."""
    number = parse_number(written)
    if not find_thread_tenants(call.ledger, number, call.tenant):
        raise not_found("conversation")
    threads = find_threads(call.ledger, number, call.tenant)
    return Conversation(call.ledger, call.tenant, number, next(iter(threads), None))


def _describe(row: ThreadRow) -> ThreadItem:
    thread = row.thread
    return ThreadItem(
        number=thread.number,
        names=list(row.names),
        waiting_since=thread.waiting_since,
        waiting_texts=thread.waiting_texts,
        last_text=row.reply.body if row.reply else None,
        case_ids=list(thread.cases),
        person_ids=list(thread.person_ids),
        assigned_to=thread.assigned_to,
        may_be_opt_out=row.in_question,
        changed_at=thread.at,
    )


def _describe_entry(entry: Entry) -> EntryItem:
    line = describe_entry(entry)
    return EntryItem(
        kind=entry.kind,
        at=entry.at,
        who=line.who,
        text=line.what,
        state=line.state,
        id=line.identity,
    )
