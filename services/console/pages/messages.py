"""The SMS manager: the mailboxes, and what is done with several messages at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from schemas.approval import ApprovalAction
from services.console import forms
from services.console.access import Allow, Visit
from services.console.message_words import KINDS, kind_words, state_words
from services.console.pages.message import label_results
from services.console.rendering import draw
from services.console.scope import sees_branch
from services.console.viewer import Permission
from services.ledger.cases import find_settings
from services.ledger.scope import Scope
from services.operations.mailboxes import (
    MOST_AT_ONCE,
    STATES_OF,
    Mailboxes,
    MailboxQuery,
    Tab,
    periods,
)
from services.operations.message_actions import MessageActions, RowResult
from services.operations.message_export import (
    export_message,
    write_csv_chunks,
    write_parquet_chunks,
)
from services.operations.parquet_file import require_parquet

router = APIRouter(include_in_schema=False)

TITLES: Final = {
    Tab.READY: "Ready to Approve",
    Tab.OUTBOX: "Outbox",
    Tab.SENTBOX: "Sentbox",
    Tab.FAILED: "Failed",
}
EXPLAINED: Final = {
    Tab.READY: "These wait for somebody to approve them, and for nothing else but the hour.",
    Tab.OUTBOX: "Not sent yet, or failed before they could be sent.",
    Tab.SENTBOX: "The provider has taken these.",
    Tab.FAILED: "These did not arrive, and somebody should look at them.",
}
EMPTY: Final = {
    Tab.READY: "Nothing waits for approval. Texts that need it come here by themselves.",
    Tab.OUTBOX: "Nothing waits to be sent. What has not left yet stands here, with the reason.",
    Tab.SENTBOX: "Nothing has been sent yet. Write to somebody from their case or conversation.",
    Tab.FAILED: "Nothing has failed that still needs you.",
}
PARTS: Final = {"rows": "parts/message_rows.html", "tabs": "parts/message_tabs.html"}
ASK_OVER: Final = 100

Act = Callable[[MessageActions, dict[str, str]], Awaitable[list[RowResult]]]


class Action:
    def __init__(self, name: str, words: str, permission: Permission, act: Act) -> None:
        self.name = name
        self.words = words
        self.permission = permission
        self.act = act


APPROVE: Final = Action(
    "approve",
    "Approve",
    Permission.APPROVE,
    lambda actions, seen: actions.decide(ApprovalAction.APPROVE, seen),
)
REJECT: Final = Action(
    "reject",
    "Reject",
    Permission.APPROVE,
    lambda actions, seen: actions.decide(ApprovalAction.REJECT, seen),
)
SEND_NOW: Final = Action(
    "send-now", "Send now", Permission.WRITE, lambda actions, seen: actions.send_now([*seen])
)
RESEND: Final = Action(
    "resend", "Send again", Permission.WRITE, lambda actions, seen: actions.resend([*seen])
)
DISMISS: Final = Action(
    "dismiss", "Dismiss", Permission.WRITE, lambda actions, seen: actions.dismiss([*seen])
)
OF_TAB: Final = {
    Tab.READY: (APPROVE, REJECT),
    Tab.OUTBOX: (SEND_NOW, DISMISS),
    Tab.SENTBOX: (RESEND, DISMISS),
    Tab.FAILED: (SEND_NOW, DISMISS),
}


@router.get("/t/{tenant}/messages")
def show_messages(visit: Annotated[Visit, Allow(Permission.READ)], request: Request) -> Response:
    params = request.query_params
    query = MailboxQuery.read(params)
    if file := params.get("as"):
        return _download(visit, query, file)
    part = PARTS.get(params.get("part", ""))
    context = page_context(visit, query, params.get("after", ""), part)
    if key := params.get("done"):
        kept = forms.find_result(visit, key)
        context["results"] = [RowResult(**one) for one in kept or ()]
        context["labels"] = label_results(visit, context["results"])
    return draw(visit, part or "messages.html", **context)


def _download(visit: Visit, query: MailboxQuery, kind: str) -> Response:
    """All that match, as it is read: nobody waits for the whole, and nobody keeps it."""
    rows = map(export_message, _mailboxes(visit).each(query))
    name = f"{visit.tenant}-{query.box}-{visit.now:%Y-%m-%d}"
    if kind == "parquet":
        require_parquet()
        chunks, media_type = write_parquet_chunks(rows), "application/vnd.apache.parquet"
    elif kind == "csv":
        chunks, media_type = write_csv_chunks(rows), "text/csv; charset=utf-8"
    else:
        raise HTTPException(404)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(chunks, media_type=media_type, headers=headers)


def _mailboxes(visit: Visit) -> Mailboxes:
    return Mailboxes(visit.console.ledger, Scope({visit.tenant: visit.branches}), visit.now)


def page_context(
    visit: Visit, query: MailboxQuery, after: str = "", part: str | None = None
) -> dict[str, Any]:
    mailboxes = _mailboxes(visit)
    context: dict[str, Any] = {
        "query": query,
        "after": after,
        "tabs": Tab,
        "titles": TITLES,
        "actions": [one for one in OF_TAB[query.box] if visit.may(one.permission)],
        "state_words": state_words,
        "kind_words": kind_words,
        "results": None,
        "asks": None,
    }
    page = None if part == PARTS["tabs"] else mailboxes.page(query, after)
    if part != PARTS["rows"] or (page and not page.rows and query.is_filtered):
        context["counts"] = mailboxes.count_tabs(query)
    context["page"] = page
    context["empty"] = EMPTY[query.box]
    if part is None:
        settings = find_settings(visit.console.ledger, visit.tenant)
        zone = settings.zone if settings else ZoneInfo("UTC")
        names = settings.branches if settings else {}
        context |= {
            "explained": EXPLAINED[query.box],
            "branches": {
                branch: about.name or branch
                for branch, about in names.items()
                if visit.branches is None or branch in visit.branches
            },
            "kinds": KINDS,
            "states": list(dict.fromkeys(STATES_OF[query.box])),
            "periods": periods(visit.now.astimezone(zone).date()),
        }
    return context


class BulkForm(BaseModel):
    """What the form under a list sends, or the one that asks, or one on a message's own page."""

    form_key: str
    query: str = ""
    row: list[str] = []
    """Ids of the checked messages."""
    seen: list[str] = []
    """Of each drawn message its id and the hash of the text that was shown."""
    all: str = ""
    """The header box is checked."""
    of: int = 0
    """How many matched when the list was drawn."""
    confirmed: str = ""
    back: str = ""
    """The message whose own page the form was on."""

    @property
    def hashes(self) -> dict[str, str]:
        return dict(one.partition(" ")[::2] for one in self.seen)

    @property
    def chosen(self) -> dict[str, str]:
        """Message ids, and the hash of each text."""
        hashes = self.hashes
        if self.all or self.confirmed:
            return hashes
        return {name: hashes.get(name, "") for name in self.row}

    @property
    def must_ask(self) -> bool:
        """All are meant, and they are many or were not all shown."""
        more = self.of > len(self.seen) or self.of > ASK_OVER
        return bool(self.all and more and not self.confirmed)


@router.post("/t/{tenant}/messages/approve")
async def approve(
    visit: Annotated[Visit, Allow(Permission.APPROVE)], form: Annotated[BulkForm, Form()]
) -> Response:
    return await _ask_or_act(visit, APPROVE, form)


@router.post("/t/{tenant}/messages/reject")
async def reject(
    visit: Annotated[Visit, Allow(Permission.APPROVE)], form: Annotated[BulkForm, Form()]
) -> Response:
    return await _ask_or_act(visit, REJECT, form)


@router.post("/t/{tenant}/messages/send-now")
async def send_now(
    visit: Annotated[Visit, Allow(Permission.WRITE)], form: Annotated[BulkForm, Form()]
) -> Response:
    return await _ask_or_act(visit, SEND_NOW, form)


@router.post("/t/{tenant}/messages/resend")
async def resend(
    visit: Annotated[Visit, Allow(Permission.WRITE)], form: Annotated[BulkForm, Form()]
) -> Response:
    return await _ask_or_act(visit, RESEND, form)


@router.post("/t/{tenant}/messages/dismiss")
async def dismiss(
    visit: Annotated[Visit, Allow(Permission.WRITE)], form: Annotated[BulkForm, Form()]
) -> Response:
    return await _ask_or_act(visit, DISMISS, form)


async def _ask_or_act(visit: Visit, action: Action, form: BulkForm) -> Response:
    query = MailboxQuery.read(dict(parse_qsl(form.query)))
    if form.must_ask:
        return _ask(visit, action, query)
    return await _act(visit, action, query, form)


async def _act(visit: Visit, action: Action, query: MailboxQuery, form: BulkForm) -> Response:
    chosen = form.chosen
    actions = MessageActions(
        visit.console.kafka,
        visit.console.ledger,
        visit.tenant,
        visit.viewer.name,
        visit.now,
        lambda item: sees_branch(visit, item.outcome.get("branch")),
    )

    async def work() -> list[dict[str, Any]]:
        return [one._asdict() for one in await action.act(actions, chosen)]

    kept: list[dict[str, Any]] = []
    if chosen:
        kept, _ = await forms.once(visit, form.form_key, work)
    if not visit.request.headers.get("hx-request"):
        done = urlencode({"done": form.form_key} if chosen else {})
        where = f"/{quote(form.back)}?{done}" if form.back else f"?{query.address()}&{done}"
        return RedirectResponse(f"/t/{visit.tenant}/messages{where}", 303)
    results = [RowResult(**one) for one in kept]
    labels = label_results(visit, results)
    return draw(visit, "parts/message_results.html", results=results, labels=labels, renew=True)


def _ask(visit: Visit, action: Action, query: MailboxQuery) -> HTMLResponse:
    """Once, before many or unseen messages are acted on: with all of their texts."""
    rows = tuple(islice(_mailboxes(visit).each(query), MOST_AT_ONCE))
    asks = {"action": action, "rows": rows, "most": MOST_AT_ONCE}
    context: dict[str, Any] = {"query": query, "asks": asks}
    if visit.request.headers.get("hx-request"):
        return draw(visit, "parts/message_ask.html", **context)
    return draw(visit, "messages.html", **(page_context(visit, query) | {"asks": asks}))
