"""A case: the promise on top, its parties, events and tasks, what is ahead and what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.case_event import CaseClosed, CaseReopened, Launched
from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.pages.people_search import CHOOSE, picker
from services.console.pages.undo import UNDO_SECONDS, read_sent, seal_sent
from services.console.rendering import draw
from services.console.scope import sees_branch
from services.console.viewer import Permission
from services.ledger.cases import find_cases
from services.ledger.threads import find_threads
from services.operations import cases
from services.operations.case_ahead import list_ahead
from services.operations.case_preview import list_exact_ahead
from services.operations.case_text import build_direct_text, name_direct_text
from services.operations.case_view import CaseView, describe_unready, promise, view_case
from services.operations.cases import Change, KnownCase
from services.operations.errors import InvalidRequest, OperationError
from services.operations.requests import SentText

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/cases/{case_id}"
SENT: Final = 30
"""Texts that were sent, the newest, which are drawn at once."""


def know_case(visit: Visit, case_id: str) -> KnownCase:
    """Raises 404 for a case that there is not, or that is of another branch."""
    try:
        about = cases.find_case(visit.console.ledger, case_id, visit.tenant)
    except InvalidRequest:
        raise HTTPException(404) from None
    if about.case is not None and not sees_branch(visit, about.case.branch):
        raise HTTPException(404)
    return about


@router.get(PATH)
def show_case(
    visit: Annotated[Visit, Allow(Permission.READ)],
    case_id: str,
    everything: Annotated[bool, Query(alias="all")] = False,
    part: Annotated[str, Query(max_length=20)] = "",
    sent: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """`sent`: a text that can still be undone."""
    about = know_case(visit, case_id)
    template = {"top": "parts/case_top.html", "body": "parts/case_body.html"}.get(part)
    undoable = read_sent(visit, sent) if sent else None
    context = read_case(visit, about, everything=everything)
    if undoable is not None:
        context |= {"sent": undoable.message_id, "undo": sent}
    return draw(visit, template or "case.html", **context)


def read_case(visit: Visit, about: KnownCase, *, everything: bool = False) -> dict[str, Any]:
    case = about.case
    if case is None:
        return {"about": about, "case": None, "here": f"/t/{about.tenant}/cases/{about.case_id}"}
    exact = list_exact_ahead(about, visit.now)
    ahead = list_ahead(case, about.settings, visit.now) if exact is None else exact
    view = view_case(about.ledger, case, ahead)
    zone = ZoneInfo(case.time_zone)
    names = {one.party.person_id: one.party.name or one.party.person_id for one in view.parties}
    texts = view.texts if everything else view.texts[-SENT:]
    return {
        "about": about,
        "case": case,
        "view": view,
        "zone": zone,
        "promise": promise(view, visit.now),
        "unready": {
            one.party.person_id: describe_unready(one, visit.now, zone) for one in view.parties
        },
        "names": names,
        "waiting": _waiting(about, view),
        "texts": tuple(reversed(texts)),
        "more_texts": len(view.texts) - len(texts),
        "roles": cases.list_roles(about),
        "templates": sorted(about.settings.templates) if about.settings else [],
        "recipes": about.settings.recipes if about.settings else {},
        "here": f"/t/{case.tenant}/cases/{case.case_id}",
        "can_write": visit.may(Permission.WRITE, case.branch),
        "problem": "",
        "sent": "",
        "draft": {},
        **picker(visit),
    }


def _waiting(about: KnownCase, view: CaseView) -> dict[str, Any]:
    """Since when each number of the case waits for an answer."""
    numbers = {one.party.number for one in view.parties if one.party.number}
    threads = [
        thread for number in numbers for thread in find_threads(about.ledger, number, about.tenant)
    ]
    return {thread.number: thread.waiting_since for thread in threads if thread.waiting_since}


Form_ = dict[str, str]


def _of_kind(kind: type[Any]) -> Callable[[Visit, KnownCase, Form_], Change]:
    def build(visit: Visit, about: KnownCase, _form: Form_) -> Change:
        return Change((cases.build_change(kind, about, visit.viewer.name, visit.now),))

    return build


def _add_party(visit: Visit, about: KnownCase, form: Form_) -> Change:
    role, number = form["role"].strip(), form["number"].strip()
    return cases.build_party_added(
        about, form["person_id"].strip(), role, number or None, visit.viewer.name, visit.now
    )


def _remove_party(visit: Visit, about: KnownCase, form: Form_) -> Change:
    return cases.build_party_removed(about, form["person_id"], visit.viewer.name, visit.now)


def _switch(visit: Visit, about: KnownCase, form: Form_) -> Change:
    by, now = visit.viewer.name, visit.now
    return cases.build_reminder_switch(about, form["person_id"], form["value"] == "on", by, now)


def _notify(visit: Visit, about: KnownCase, form: Form_) -> Change:
    return cases.build_notify_email(about, form["value"].strip(), visit.viewer.name, visit.now)


def _text(visit: Visit, about: KnownCase, form: Form_) -> Change:
    by, now = visit.viewer.name, visit.now
    return build_direct_text(about, form["person_id"], form["body"], by, now, UNDO_SECONDS)


ACTS: Final[dict[str, Callable[[Visit, KnownCase, Form_], Change]]] = {
    "launch": _of_kind(Launched),
    "close": _of_kind(CaseClosed),
    "reopen": _of_kind(CaseReopened),
    "add-party": _add_party,
    "remove-party": _remove_party,
    "reminders": _switch,
    "notify": _notify,
    "text": _text,
}


@router.post(PATH + "/acts")
async def act(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    case_id: str,
    action: Annotated[str, Form(max_length=30)],
    form_key: Annotated[str, Form(max_length=60)],
    person_id: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=100)] = "",
    number: Annotated[str, Form(max_length=40)] = "",
    value: Annotated[str, Form(max_length=300)] = "",
    body: Annotated[str, Form(max_length=20_000)] = "",
    who: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    about = know_case(visit, case_id)
    if action not in ACTS:
        raise HTTPException(422)
    if action == "add-party" and not person_id.strip():
        chosen = {
            "problem": CHOOSE,
            "draft": {"action": action, "role": role},
            **picker(visit, who),
        }
        return draw(visit, "case.html", status=422, **read_case(visit, about) | chosen)
    form = {
        "person_id": person_id,
        "role": role,
        "number": number,
        "value": value,
        "body": body,
        "action": action,
        "who": who,
    }
    made: list[Change] = []

    def build() -> Change:
        made.append(ACTS[action](visit, about, form))
        return made[-1]

    answer = await record(visit, about, form_key, form, build)
    if action == "text" and made and answer.status_code == 303:
        text = SentText(about.tenant, name_direct_text(made[-1]), form["person_id"], None)
        sent = quote(seal_sent(visit, text))
        return RedirectResponse(f"/t/{about.tenant}/cases/{about.case_id}?sent={sent}", 303)
    return answer


async def record(
    visit: Visit, about: KnownCase, form_key: str, form: Form_, build: Callable[[], Change]
) -> Response:
    """Publish the change and wait until the case shows it. What is wrong is said on the case's
    page, beside what was typed."""
    before = about.case.version if about.case else 0
    is_built = False

    async def work() -> str:
        nonlocal is_built
        change = build()
        is_built = True
        await cases.publish_changes(visit.console.kafka, change.events)
        await visit.console.kafka.wait_for(
            about.ledger, lambda: _version(about) > before or None, WAIT
        )
        return "done"

    try:
        await once(visit, form_key, work)
    except OperationError as error:
        context = read_case(visit, about) | {"problem": str(error), "draft": form}
        if form.get("action") == "add-party":
            context |= picker(visit, form["who"], form["person_id"])
        refused = 422 if isinstance(error, InvalidRequest) else 409
        status = 503 if is_built else refused
        return draw(visit, "case.html", status=status, **context)
    return RedirectResponse(f"/t/{about.tenant}/cases/{about.case_id}", 303)


WAIT: Final = 3.0
"""Seconds for the case to show a change; after that the page shows it when it comes."""


def _version(about: KnownCase) -> int:
    found = find_cases(about.ledger, about.case_id, about.tenant)
    return found[0].version if found else 0
