"""One message: what became of it and why, on a time line, and what can be done about it."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.console import forms
from services.console.access import Allow, Visit
from services.console.message_story import tell_story
from services.console.message_words import kind_words, state_words
from services.console.pages.undo import seal_sent
from services.console.rendering import draw
from services.console.scope import sees_branch
from services.console.viewer import Permission
from services.ledger.explain import Explanation, explain
from services.ledger.message_items import find_items
from services.ledger.message_status import find_statuses, list_resends
from services.ledger.people import find_person
from services.ledger.times import parse_time
from services.operations import requests, support_bundle
from services.operations.errors import InvalidRequest, OperationError
from services.operations.mailboxes import MailboxRow, read_rows
from services.operations.message_actions import UNKNOWN, RowResult, describe_resend
from services.operations.resend_plan import Resend, plan_resend, publish_resends
from services.operations.validation import parse_recipient
from streams.lifecycle import ARRIVED_STATES, STATE_INFO, Group, State
from streams.mailboxes import FAILED_AFTER, FAILED_BEFORE, Box
from streams.rule_names import RuleName

router = APIRouter(include_in_schema=False)

CAN_BE_TAKEN_BACK: Final = frozenset(
    state for state, info in STATE_INFO.items() if info.group is Group.WAITING
)

WAIT: Final = 3.0
"""Seconds for a new text to be on record; after that its page comes when it comes."""


class FoundMessage(NamedTuple):
    explanation: Explanation
    row: MailboxRow | None
    """None until the message has an outcome."""
    branch: str | None


def find_message(visit: Visit, message_id: str) -> FoundMessage:
    """Raises HTTPException (404), also for what is of a branch that the viewer may not see."""
    ledger = visit.console.ledger
    found = explain(ledger, message_id, visit.tenant)
    if not isinstance(found, Explanation):
        raise HTTPException(404)
    first = next((one.data for one in found.events if "branch" in one.data), {})
    about: Mapping[str, Any] = found.outcome or first
    if not sees_branch(visit, about.get("branch")):
        raise HTTPException(404)
    items = find_items(ledger, [message_id], visit.now, visit.tenant)
    row = next(iter(read_rows(ledger, items[:1])), None)
    return FoundMessage(found, row, about.get("branch"))


@router.get("/t/{tenant}/messages/{message_id}")
def show_message(
    visit: Annotated[Visit, Allow(Permission.READ)], request: Request, message_id: str
) -> Response:
    found = find_message(visit, message_id)
    context = _context(visit, message_id, found)
    if key := request.query_params.get("done"):
        kept = forms.find_result(visit, key)
        context["results"] = [RowResult(**one) for one in kept or ()]
        context["labels"] = label_results(visit, context["results"])
    is_part = request.query_params.get("part") == "story"
    return draw(visit, "parts/message_story.html" if is_part else "message.html", **context)


MOST_LABELS: Final = 200


def label_results(visit: Visit, results: Sequence[RowResult]) -> dict[str, str]:
    """Whom each message was for. A message's id says nothing to staff."""
    ledger = visit.console.ledger
    ids = [one.message_id for one in results if one.result != UNKNOWN][:MOST_LABELS]
    rows = read_rows(ledger, find_items(ledger, ids, visit.now, visit.tenant))
    return {one.item.message_id: one.person_name or one.item.number or "" for one in rows}


def _context(visit: Visit, message_id: str, found: FoundMessage) -> dict[str, Any]:
    row = found.row
    state = row.item.state if row else None
    may_write = visit.may(Permission.WRITE, found.branch)
    resends = list_resends(visit.console.ledger, visit.tenant, message_id)
    failed = state in FAILED_BEFORE | FAILED_AFTER and not resends
    opted_out = any(one.rule == RuleName.OPTED_OUT for one in (row.reasons if row else ()))
    offers = {
        "approve": bool(row and row.item.box is Box.READY)
        and visit.may(Permission.APPROVE, found.branch),
        "send_now": may_write and state is State.HELD and bool(row and row.item.number),
        "resend": may_write and not resends and (failed or state in ARRIVED_STATES),
        "correct": may_write and bool(failed and row and row.person_id) and not opted_out,
        "dismiss": may_write and bool(failed and row and row.item.attention),
        "cancel": may_write and state in CAN_BE_TAKEN_BACK,
    }
    data = [event.data for event in found.explanation.events]
    asked = next((one for one in data if "requested_at" in one), {})
    undo_left = _undo_left(visit, asked, state) if may_write else 0
    about = found.explanation.outcome or asked
    return {
        "message_id": message_id,
        "found": found.explanation,
        "row": row,
        "asked": asked,
        "about": about,
        "who": _name_recipient(visit, row, about) or message_id,
        "body": row.body if row else asked.get("body"),
        "shown": state_words(state),
        "story": tell_story(found.explanation, visit.now),
        "offers": offers,
        "kind_words": kind_words,
        "results": None,
        "resends": resends,
        "undo_left": undo_left,
        "undo": _seal(visit, message_id) if undo_left else "",
    }


def _seal(visit: Visit, message_id: str) -> str:
    """Empty where nobody knows whom it was for."""
    try:
        found = requests.find_cancelable(visit.console.ledger, message_id, visit.tenant)
    except OperationError:
        return ""
    return seal_sent(visit, requests.name_sent(found))


def _name_recipient(visit: Visit, row: MailboxRow | None, about: Mapping[str, Any]) -> str | None:
    """By their name, also before anything is decided; else by their number."""
    if row and row.person_name:
        return row.person_name
    person_id = about.get("person_id")
    known = find_person(visit.console.ledger, visit.tenant, person_id) if person_id else None
    name = known.name if known else None
    return name or about.get("to") or person_id


def _undo_left(visit: Visit, asked: Mapping[str, Any], state: State | None) -> int:
    """Whole seconds in which it can still be withdrawn."""
    undo = asked.get("undo_seconds")
    if not undo or state not in (None, State.HELD):
        return 0
    until = parse_time(asked["requested_at"]) + timedelta(seconds=undo)
    return max(0, math.ceil((until - visit.now).total_seconds()))


@router.post("/t/{tenant}/messages/{message_id}/cancel")
async def cancel_message(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    message_id: str,
    form_key: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    find_message(visit, message_id)
    kafka, ledger = visit.console.kafka, visit.console.ledger

    async def work() -> list[dict[str, Any]]:
        found = requests.find_cancelable(ledger, message_id, visit.tenant)
        result = await requests.cancel(
            kafka, ledger, found, reason.strip(), visit.viewer.name, visit.now
        )
        return [RowResult(message_id, result.is_stopped, result.result, result.sentence)._asdict()]

    await forms.once(visit, form_key, work)
    return _back(visit, message_id, form_key)


def _back(visit: Visit, message_id: str, form_key: str) -> Response:
    return RedirectResponse(f"/t/{visit.tenant}/messages/{message_id}?done={form_key}", 303)


@router.get("/t/{tenant}/messages/{message_id}/resend")
def show_resend(visit: Annotated[Visit, Allow(Permission.WRITE)], message_id: str) -> Response:
    return _draw_resend(visit, message_id, "", "")


def _draw_resend(visit: Visit, message_id: str, number: str, problem: str) -> Response:
    row = find_message(visit, message_id).row
    if row is None:
        raise HTTPException(404)
    status = 422 if problem else 200
    context = {"row": row, "message_id": message_id, "number": number, "problem": problem}
    return draw(
        visit, "message_resend.html", status=status, shown=state_words(row.state), **context
    )


@router.post("/t/{tenant}/messages/{message_id}/resend")
async def resend_message(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    message_id: str,
    form_key: Annotated[str, Form()],
    number: Annotated[str, Form()] = "",
) -> Response:
    """Correct the number on the person's record, and send the text again to the new one."""
    row = find_message(visit, message_id).row
    if row is None:
        raise HTTPException(404)
    kafka, ledger = visit.console.kafka, visit.console.ledger

    async def work() -> list[dict[str, Any]]:
        to = parse_recipient("the number", number.strip())
        plan = plan_resend(ledger, row.item, to, visit.viewer.name, visit.now)
        if isinstance(plan, Resend):
            await publish_resends(kafka, [plan])
            name = plan.request.message_id
            # The answer leads to the new text: it should be there.
            await kafka.wait_for(
                ledger, lambda: find_statuses(ledger, name, visit.tenant) or None, WAIT
            )
        return [describe_resend(message_id, plan)._asdict()]

    try:
        await forms.once(visit, form_key, work)
    except InvalidRequest as error:
        return _draw_resend(visit, message_id, number, str(error))
    return _back(visit, message_id, form_key)


@router.get("/t/{tenant}/messages/{message_id}/escalate")
def show_escalation(
    visit: Annotated[Visit, Allow(Permission.WRITE)], request: Request, message_id: str
) -> Response:
    """A bundle for support. Numbers and texts are left out unless they are asked for."""
    params = request.query_params
    shows = {name: bool(params.get(name)) for name in ("numbers", "texts")}
    found = support_bundle.hide(find_message(visit, message_id).explanation, **shows)
    text = support_bundle.as_text(found)
    name = message_id.replace(":", "_")
    match params.get("as"):
        case "json":
            data = support_bundle.as_data(found, visit.now)
            return _download(json.dumps(data, indent=2, ensure_ascii=False) + "\n", f"{name}.json")
        case "text":
            return _download(text, f"{name}.txt")
    return _draw_escalation(visit, message_id, text, shows)


def _draw_escalation(
    visit: Visit, message_id: str, text: str, shows: Mapping[str, bool], problem: str = ""
) -> Response:
    context = {"message_id": message_id, "text": text, "shows": shows, "problem": problem}
    to = _support_address()
    return draw(visit, "message_escalate.html", to=to, status=422 if problem else 200, **context)


def _support_address() -> str:
    try:
        return support_bundle.read_mailbox().to
    except InvalidRequest:
        return ""


def _download(text: str, name: str) -> Response:
    kind = "application/json" if name.endswith(".json") else "text/plain; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=kind, headers=headers)


@router.post("/t/{tenant}/messages/{message_id}/escalate")
async def escalate_message(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    message_id: str,
    form_key: Annotated[str, Form()],
    numbers: Annotated[str, Form()] = "",
    texts: Annotated[str, Form()] = "",
) -> Response:
    """Mail the bundle."""
    shows = {"numbers": bool(numbers), "texts": bool(texts)}
    found = support_bundle.hide(find_message(visit, message_id).explanation, **shows)
    try:
        mailbox = support_bundle.read_mailbox()

        async def work() -> list[dict[str, Any]]:
            await asyncio.to_thread(support_bundle.mail_bundle, mailbox, found, visit.now)
            says = f"Mailed to {mailbox.to}"
            return [RowResult(message_id, True, "mailed", says)._asdict()]

        await forms.once(visit, form_key, work)
    except OperationError as error:
        text = support_bundle.as_text(found)
        return _draw_escalation(visit, message_id, text, shows, str(error))
    return _back(visit, message_id, form_key)
