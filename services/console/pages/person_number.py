"""One number of a person: its consent with all evidence, and what may be done about it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.consent import ConsentAction
from services.console.access import Allow, Visit
from services.console.forms import find_result, once
from services.console.pages.person import change_person, require_person
from services.console.people_view import (
    SMS_OFF,
    NumberLine,
    find_number_line,
    show_number,
    show_span,
)
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.cases import find_settings
from services.ledger.consent import build_proof, read_consent, read_consent_logs
from services.ledger.person_pages import PersonRow
from services.operations.consent import (
    build_consent_event,
    record_and_wait,
    request_opt_in,
    require_proof,
)
from services.operations.errors import InvalidRequest, OperationError
from services.operations.people import build_confirmation, confirm_number
from services.operations.person_changes import correct_number

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/people/{person_id}/numbers/{token}"
PARTS: Final = {"state": "parts/number_state.html", "history": "parts/number_history.html"}
ACTIONS: Final = {
    "opt_in": "They said yes",
    "opt_out": "They said no",
    "ask": "Opt-in request",
    "ask_failed": "The opt-in request failed",
    "unreadable": "A record could not be read",
    "resolved": "Staff looked at what could not be read",
    "maybe_revoked": "They may have said no",
    "go_on": "Staff read it: it was no opt-out",
    "moved": "History of another writing of this number",
}
SOURCES: Final = {
    "inbound": "their text",
    "carrier": "the carrier",
    "form": "a form, verified",
    "web_form": "a web form",
    "import": "an import",
    "manual": "staff",
}
EVIDENCE: Final = {
    "text": "They wrote",
    "wording": "They were shown",
    "wording_version": "Version of the words",
    "wording_sha256": "SHA-256 of the words",
    "document": "Document",
    "url": "Page",
    "ip": "Their address on the Internet",
    "actor": "Recorded by",
    "origin": "Collected at",
    "key_id": "Key of the API",
}
WHY: Final = "Why"
"""What an opt-in request says of itself."""
MISSING: Final = "Write where the signed form is kept, such as intake-17.pdf."


def _require(visit: Visit, person_id: str, token: str) -> tuple[PersonRow, NumberLine]:
    row = require_person(visit, person_id)
    line = find_number_line(visit, row.person, token)
    if line is None:
        raise HTTPException(404)
    return row, line


@router.get(PATH)
def show_number_page(
    visit: Annotated[Visit, Allow(Permission.READ)],
    person_id: str,
    token: str,
    part: Annotated[str, Query(max_length=20)] = "",
    done: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    row, line = _require(visit, person_id, token)
    if part and part not in PARTS:
        raise HTTPException(404)
    notice = find_result(visit, done) if done else None
    return _draw(visit, row, line, PARTS.get(part, "number.html"), notice=notice)


def _draw(
    visit: Visit,
    row: PersonRow,
    line: NumberLine,
    template: str = "number.html",
    status: int = 200,
    **shown: Any,
) -> Response:
    ledger = visit.console.ledger
    records = read_consent(ledger, line.identity, visit.tenant)
    settings = find_settings(ledger, visit.tenant)
    context: dict[str, Any] = {
        "person": row.person,
        "line": line,
        "log": [_describe(entry) for record in records for entry in reversed(record.log)],
        "request_words": settings.opt_in_request if settings else "",
        "sms_off": SMS_OFF,
        "span": show_span,
        "may_write": visit.may(Permission.WRITE),
        "may_audit": visit.may(Permission.AUDIT),
        "given": {},
        "problems": {},
        "notice": None,
    }
    return draw(visit, template, status=status, **context | shown)


def _describe(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the consent log, for staff; the whole entry is in the proof."""
    evidence = entry.get("evidence") or {}
    place = f"{evidence.get('topic')}@{evidence.get('partition')}:{evidence.get('offset')}"
    return {
        "at": entry["at"],
        "said": ACTIONS.get(entry["action"], entry["action"]),
        "source": SOURCES.get(entry["source"], entry["source"]),
        "was": entry["was"],
        "now": entry["now"],
        "changed": entry["was"] != entry["now"],
        "reason": entry["reason"],
        "applied": entry["applied"],
        "evidence": [
            (WHY if name == "text" and entry.get("action") == "ask" else words, evidence[name])
            for name, words in EVIDENCE.items()
            if evidence.get(name)
        ],
        "record": place if evidence.get("topic") else "",
        "seq": entry.get("seq"),
    }


@router.post(PATH + "/ask")
async def ask(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    person_id: str,
    token: str,
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    """Send an opt-in request; the gate has the last word."""
    _, line = _require(visit, person_id, token)

    async def work() -> dict[str, str]:
        event = _event(visit, "ask", line, {})
        try:
            answer = await request_opt_in(visit.console.kafka, visit.console.ledger, event)
        except OperationError as error:
            return {"kind": "bad", "words": str(error)}
        return {"kind": "good", "words": f"The opt-in request is on its way: {answer}."}

    return await _act(visit, person_id, token, form_key, work)


@router.post(PATH + "/consent")
async def record(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    person_id: str,
    token: str,
    form_key: Annotated[str, Form(max_length=60)],
    action: Annotated[str, Form(max_length=10)],
    document: Annotated[str, Form(max_length=500)] = "",
    wording: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """What they said to staff: a yes with its proof, or a no."""
    row, line = _require(visit, person_id, token)
    if action not in (ConsentAction.OPT_IN, ConsentAction.OPT_OUT):
        raise HTTPException(422)
    if action == ConsentAction.OPT_IN:
        try:
            require_proof(document.strip(), visit.viewer.name)
        except InvalidRequest:
            given = {"document": document, "wording": wording}
            problems = {"document": MISSING}
            return _draw(visit, row, line, status=422, given=given, problems=problems)
    said = {"document": document.strip() or None, "wording": wording.strip() or None}

    async def work() -> dict[str, str]:
        event = _event(visit, action, line, said)
        entry = await record_and_wait(visit.console.kafka, visit.console.ledger, event)
        if entry is None:
            return {"kind": "warn", "words": "It is recorded, and will be shown in a moment."}
        if not entry["applied"]:
            return {
                "kind": "warn",
                "words": f"Recorded, and it changes nothing: {entry['reason']}.",
            }
        return {"kind": "good", "words": f"Recorded: {entry['reason']}."}

    return await _act(visit, person_id, token, form_key, work)


@router.post(PATH + "/confirm")
async def confirm(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    person_id: str,
    token: str,
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    """Somebody has made sure that the number is right and takes texts."""
    _, line = _require(visit, person_id, token)

    async def work() -> dict[str, str]:
        fact = build_confirmation(line.identity, visit.tenant, visit.viewer.name, visit.now)
        await confirm_number(visit.console.kafka, fact)
        return {"kind": "good", "words": f"{line.shown} is confirmed."}

    return await _act(visit, person_id, token, form_key, work)


@router.post(PATH + "/correct")
async def correct(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    person_id: str,
    token: str,
    form_key: Annotated[str, Form(max_length=60)],
    number: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    row, line = _require(visit, person_id, token)
    by, now = visit.viewer.name, visit.now
    words = f"{line.shown} is replaced by {show_number(number)}. Ask them to opt in."
    try:
        return await change_person(
            visit,
            form_key,
            lambda: correct_number(row.person, line.number, number, by, now),
            words,
        )
    except OperationError as error:
        given, problems = {"number": number}, {"number": str(error)}
        return _draw(visit, row, line, status=422, given=given, problems=problems)


@router.get(PATH + "/proof.json")
def download_proof(
    visit: Annotated[Visit, Allow(Permission.AUDIT)], person_id: str, token: str
) -> Response:
    """The bundle that `sayso consent verify` checks, offline."""
    _, line = _require(visit, person_id, token)
    logs = read_consent_logs(visit.console.ledger, line.identity, visit.tenant)
    if not logs:
        raise HTTPException(404)
    bundle = build_proof(logs, line.identity, visit.now)
    name = f"consent-proof-{person_id}.json".replace(":", "-")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    written = json.dumps(bundle, ensure_ascii=False, indent=1) + "\n"
    return Response(written, media_type="application/json", headers=headers)


def _event(visit: Visit, action: str, line: NumberLine, evidence: dict[str, str | None]) -> Any:
    evidence = evidence | {"actor": visit.viewer.name}
    return build_consent_event(action, line.identity, visit.tenant, None, evidence, visit.now)


async def _act(visit: Visit, person_id: str, token: str, form_key: str, work: Any) -> Response:
    await once(visit, form_key, work)
    address = f"/t/{visit.tenant}/people/{person_id}/numbers/{token}"
    return RedirectResponse(f"{address}?done={form_key}", 303)
