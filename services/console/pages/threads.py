"""A conversation: everything that passed with a number, and a box to answer in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.number_tokens import NumberTokens
from services.console.pages.undo import UNDO_SECONDS, seal_sent
from services.console.rendering import draw
from services.console.scope import choose_cases, sees_thread
from services.console.viewer import Permission
from services.ledger.cases import list_people, list_statuses
from services.ledger.entry_pages import read_entries
from services.ledger.paging import InvalidCursor
from services.ledger.threads import Entry, EntryKind, find_threads
from services.operations import conversations as talk
from services.operations.errors import InvalidRequest, OperationError
from services.operations.requests import SentText, request_text

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/threads/{token}"
SHOWN: Final = 100
"""Entries of a conversation that are drawn at once; earlier ones on request."""


class Bubble(NamedTuple):
    """One entry of a conversation, as it is drawn."""

    side: str
    """theirs, ours, note or event."""
    identity: str
    heading: str
    """For those who do not see the side."""
    at: datetime
    who: str
    words: str
    media: int
    state: str
    """Of a text of ours."""
    error_code: str
    message_id: str
    case_id: str


_SIDES: Final = {
    EntryKind.INBOUND: ("theirs", "Received"),
    EntryKind.OUTBOUND: ("ours", "Sent"),
    EntryKind.NOTE: ("note", "Note"),
}


def _bubble(entry: Entry) -> Bubble:
    """Records on Kafka may lack what newer ones have."""
    data = entry.data
    line = talk.describe_entry(entry)
    side, heading = _SIDES.get(entry.kind, ("event", "What happened"))
    is_text = side in ("theirs", "ours")
    what = say_consent(data) if entry.kind is EntryKind.CONSENT else line.what
    return Bubble(
        side,
        name_entry(entry.place),
        heading,
        entry.at,
        "" if line.who in ("us", "consent", "number", "mail") else line.who,
        str(data.get("body") or what) if is_text else what[:1].upper() + what[1:],
        len(data.get("media") or ()) if side == "theirs" else 0,
        str(data.get("state") or data.get("verdict") or "") if side == "ours" else "",
        str(data.get("error_code") or ""),
        str(data.get("message_id") or "") if side == "ours" else "",
        str(data.get("case_id") or "") if is_text else "",
    )


def name_entry(place: str) -> str:
    """The id of its element."""
    return "e-" + "".join(char if char.isalnum() else "-" for char in place)


_ACTIONS: Final = {
    "ask": "Asked whether we may text them",
    "opt_in": "Opted in",
    "opt_out": "Opted out",
    "maybe_revoked": "Wrote what may be an opt-out: automatic texts wait",
    "go_on": "Staff looked: they go on getting texts",
}
_SOURCES: Final = {
    "inbound": "by text",
    "manual": "by staff",
    "form": "by a form",
    "web_form": "by a web form",
    "import": "by an import",
    "carrier": "by the carrier",
}


def say_consent(change: Mapping[str, Any]) -> str:
    """`Opted in, by text`: what changed somebody's consent, in staff's words."""
    action = str(change.get("action", ""))
    source = str(change.get("source", ""))
    what = _ACTIONS.get(action, action.replace("_", " ").capitalize())
    how = _SOURCES.get(source, source.replace("_", " "))
    return f"{what}, {how}" if how else what


def _know(visit: Visit) -> talk.Conversation:
    """Raises 404 for what is no conversation that this viewer may see."""
    tokens: NumberTokens = visit.request.app.state.tokens
    number = tokens.read(visit.tenant, visit.request.path_params["token"])
    if number is None:
        raise HTTPException(404)
    ledger = visit.console.ledger
    thread = next(iter(find_threads(ledger, number, visit.tenant)), None)
    if not sees_thread(visit, thread):
        raise HTTPException(404)
    return talk.Conversation(ledger, visit.tenant, number, thread)


PARTS: Final = {
    "bubbles": "parts/thread.html",
    "side": "parts/thread_side.html",
    "earlier": "parts/thread_earlier.html",
}


@router.get(PATH)
def show_thread(
    visit: Annotated[Visit, Allow(Permission.READ)],
    token: str,
    since: Annotated[str, Query(max_length=200)] = "",
    before: Annotated[str, Query(max_length=2000)] = "",
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """`since`: the place of the oldest entry that is drawn already. `before`: a cursor; only what
    is earlier."""
    del token  # `_know` reads it
    about = _know(visit)
    try:
        context = _read(visit, about, since, before)
    except InvalidCursor:
        raise HTTPException(404) from None
    return draw(visit, PARTS.get(part, "thread.html"), **context)


def _read(
    visit: Visit, about: talk.Conversation, since: str = "", before: str = ""
) -> dict[str, Any]:
    page = read_entries(
        about.ledger,
        about.tenant,
        about.number,
        cursor=before or None,
        limit=SHOWN,
        down_to=since or None,
    )
    entries = page.rows[::-1]
    latest = _read_latest(about) if before else entries
    thread = about.thread
    people = list_people(about.ledger, about.tenant, set(thread.person_ids if thread else ()))
    status = list_statuses(about.ledger, about.tenant, {about.number}).get(about.number)
    return {
        "about": about,
        "thread": thread,
        "bubbles": [_bubble(entry) for entry in entries],
        "earlier": page.cursor,
        "oldest": entries[0].place if entries else "",
        "oldest_id": name_entry(entries[0].place) if entries else "none",
        "before": before,
        "seen": talk.last_place(latest, visit.viewer.name),
        "people": people,
        "consent": status,
        "cases": choose_cases(visit, thread.cases if thread else ()),
        "here": visit.request.url.path.removesuffix("/reply").removesuffix("/acts"),
        "draft": "",
        "problem": "",
        "newer": (),
        "can_write": visit.may(Permission.WRITE),
    }


def _read_latest(about: talk.Conversation) -> tuple[Entry, ...]:
    """As much as tells what somebody who answers should have read, however much was drawn."""
    return read_entries(about.ledger, about.tenant, about.number, limit=SHOWN).rows[::-1]


@router.post(PATH + "/reply")
async def send_reply(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    token: str,
    body: Annotated[str, Form(max_length=20_000)],
    form_key: Annotated[str, Form(max_length=60)],
    seen: Annotated[str, Form(max_length=200)] = "",
    case_id: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Not sent if something newer stands in the conversation than the writer saw."""
    del token
    about = _know(visit)
    by = visit.viewer.name
    entries = _read_latest(about)
    if talk.last_place(entries, by) != seen:
        places = [entry.place for entry in entries]
        from_ = places.index(seen) + 1 if seen in places else max(len(entries) - 5, 0)
        newer = [talk.describe_entry(entry) for entry in entries[from_:]]
        return _draw_again(visit, about, 409, draft=body, newer=newer)

    async def send() -> str:
        request = talk.build_text(about, body, by, visit.now, UNDO_SECONDS, case_id or None)
        await request_text(visit.console.kafka, request)
        return request.message_id

    try:
        message_id, _ = await once(visit, form_key, send)
    except OperationError as error:
        status = 422 if isinstance(error, InvalidRequest) else 503
        return _draw_again(visit, about, status, draft=body, problem=str(error))
    if visit.request.headers.get("hx-request"):
        undo = seal_sent(visit, SentText(about.tenant, message_id, None, about.number))
        return draw(
            visit, "parts/reply_box.html", sent=message_id, undo=undo, **_read(visit, about)
        )
    return RedirectResponse(visit.request.url.path.removesuffix("/reply"), 303)


def _draw_again(visit: Visit, about: talk.Conversation, status: int, **changed: Any) -> Response:
    """With the words that were typed. A part is drawn with status 200: htmx shows nothing else."""
    context = _read(visit, about) | {"sent": None} | changed
    if visit.request.headers.get("hx-request"):
        return draw(visit, "parts/reply_box.html", **context)
    return draw(visit, "thread.html", status=status, **context)


_Build = Callable[[talk.Conversation, str, str, str, datetime], Any]
ACTS: Final[dict[str, _Build]] = {
    "note": lambda about, words, _id, by, now: talk.build_note(about, words, by, now),
    "answered": lambda about, words, _id, by, now: talk.build_answered(about, words, by, now),
    "no-answer-needed": lambda about, _, _id, by, now: talk.build_no_answer_needed(about, by, now),
    "assign": lambda about, words, _id, by, now: talk.build_assigned(about, words, by, now),
    "move": lambda about, words, id_, by, now: talk.build_moved(about, id_, words, by, now),
    "no-more-texts": lambda about, _, id_, by, now: talk.build_no_more_texts(about, id_, by, now),
}
"""What staff do about a conversation, besides answering."""


@router.post(PATH + "/acts")
async def act(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    token: str,
    action: Annotated[str, Form(max_length=30)],
    form_key: Annotated[str, Form(max_length=60)],
    words: Annotated[str, Form(max_length=4000)] = "",
    inbound_id: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    del token
    about = _know(visit)
    if action not in ACTS:
        raise HTTPException(422)

    async def do() -> str:
        event = ACTS[action](about, words.strip(), inbound_id, visit.viewer.name, visit.now)
        await talk.publish_thread_event(visit.console.kafka, event)
        return action

    await once(visit, form_key, do)
    return RedirectResponse(visit.request.url.path.removesuffix("/acts"), 303)
