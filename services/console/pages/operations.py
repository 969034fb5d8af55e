"""Operations: who is behind and why, senders, doubtful calls, dead letters, reconciliation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Form, Query
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.numbers import mask_text
from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.lag_watch import LagWatch
from services.console.pages.errors import draw_error
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.alert_pages import count_open_letters, read_dead_letters
from services.ledger.dead_letters import DeadLetterEntry, DeadLetterFilter
from services.ledger.message_status import list_in_doubt
from services.ledger.paging import InvalidCursor, Page
from services.ledger.reconciliation import list_unbalanced
from services.ledger.sender_overview import SenderOverview, check_inbound, list_senders
from services.masking import mask
from services.observability.lag_report import LagLine, LagReport
from services.operations import dead_letters, in_doubt, senders
from services.operations.errors import InvalidRequest, OperationError
from streams.error_codes import lookup

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/operations"
PAGE: Final = 50


class GroupLine(NamedTuple):
    """A processor: all of its partitions in one line."""

    name: str
    verdict: str
    causes: tuple[str, ...]
    records: int
    seconds: float
    """Since the oldest record was written that it has not read."""
    drain: float | None
    partitions: int


@router.get(PATH)
async def show_operations(
    visit: Annotated[Visit, Allow(Permission.OPERATE)],
    part: Annotated[str, Query(max_length=20)] = "",
    letters: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """`letters`: from where on the dead letters are listed."""
    watch: LagWatch = visit.request.app.state.lag
    watch.want()
    ledger = visit.console.ledger
    template = "parts/operations_lag.html" if part == "lag" else "operations.html"
    context: dict[str, Any] = {"lag": watch, "groups": _groups(watch.report)}
    if part != "lag":
        context |= {
            "senders": [_sender(one) for one in _own_senders(visit)],
            "deaf": [one for one in check_inbound(ledger) if not one.sound],
            "doubts": list_in_doubt(ledger, visit.tenant),
            "letters": _read_letters(visit, letters),
            "letters_from": letters,
            "open_letters": count_open_letters(ledger),
            "unbalanced": list_unbalanced(ledger, visit.tenant),
            "sees_all": _sees_all(visit),
            "mask_text": mask_text,
            "causes": dead_letters.CAUSES,
            "problem": visit.request.query_params.get("problem", "")[:400],
        }
    return draw(visit, "parts/operations_body.html" if part == "body" else template, **context)


def _groups(report: LagReport | None) -> list[GroupLine]:
    """The worst first, as the lines are."""
    found: dict[str, list[LagLine]] = {}
    for line in report.lines if report else ():
        found.setdefault(line.group.removeprefix("sayso."), []).append(line)
    return [_group(name, lines) for name, lines in found.items()]


def _group(name: str, lines: list[LagLine]) -> GroupLine:
    causes = Counter(line.cause for line in lines if line.cause and line.verdict != "OK")
    drains = [line.drain for line in lines]
    return GroupLine(
        name,
        lines[0].verdict.value,
        tuple(causes),
        sum(line.lag for line in lines),
        max(line.seconds for line in lines),
        None if None in drains else max((one for one in drains if one is not None), default=0.0),
        len(lines),
    )


class SenderLine(NamedTuple):
    overview: SenderOverview
    state: str
    error: str
    """The last error in words, with what to do."""
    drain_minutes: float | None


def _own_senders(visit: Visit) -> Iterable[SenderOverview]:
    """Those of the tenant; all of them for whoever may operate everywhere."""
    for one in list_senders(visit.console.ledger):
        if _sees_all(visit) or one.serves(visit.tenant):
            yield one


def _sees_all(visit: Visit) -> bool:
    """Senders and records that cannot be read belong to no tenant alone."""
    return visit.viewer.may_everywhere(Permission.OPERATE)


def _sender(one: SenderOverview) -> SenderLine:
    status = one.status
    error = status.last_error if status else None
    code = lookup(error.code) if error else None
    words = f"{code.code}: {code.title}. {code.next_step}" if code else ""
    drain = status.drain_seconds if status else None
    return SenderLine(
        one, senders.describe_state(one), words, None if drain is None else drain / 60
    )


@router.post(PATH + "/senders")
async def set_paused(
    visit: Annotated[Visit, Allow(Permission.OPERATE)],
    sender: Annotated[str, Form(max_length=200)],
    action: Annotated[str, Form(max_length=10)],
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    if sender not in {one.sender for one in _own_senders(visit)} or action not in _PAUSES:
        raise HTTPException(404)
    kafka, ledger = visit.console.kafka, visit.console.ledger

    async def work() -> str:
        by = visit.viewer.name
        await senders.set_paused(kafka, ledger, sender, _PAUSES[action], by, visit.now)
        return action

    return await _do(visit, form_key, work, "senders")


_PAUSES: Final = {"pause": True, "resume": False}


@router.post(PATH + "/doubts")
async def settle(
    visit: Annotated[Visit, Allow(Permission.OPERATE)],
    message_id: Annotated[str, Form(max_length=200)],
    action: Annotated[str, Form(max_length=10)],
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    if action not in ("resend", "drop"):
        raise HTTPException(422)
    kafka, ledger = visit.console.kafka, visit.console.ledger
    chosen: in_doubt.Action = "resend" if action == "resend" else "drop"

    async def work() -> str:
        message = in_doubt.find_in_doubt(ledger, message_id, visit.tenant)
        done = await in_doubt.settle(kafka, ledger, message, chosen, visit.viewer.name, visit.now)
        return done.sentence

    return await _do(visit, form_key, work, "doubts")


# Dead letters: for those who may operate everywhere, because nobody knows whose a record is that
# cannot be read.


def _read_letters(visit: Visit, cursor: str) -> Page[DeadLetterEntry]:
    """The newest first."""
    if not _sees_all(visit):
        return Page(())
    ledger = visit.console.ledger
    try:
        return read_dead_letters(ledger, DeadLetterFilter(), cursor=cursor or None, limit=PAGE)
    except InvalidCursor:
        raise HTTPException(404) from None


def _find_letter(visit: Visit, name: str) -> DeadLetterEntry:
    if not _sees_all(visit):
        raise HTTPException(404)
    try:
        return dead_letters.find_letter(visit.console.ledger, name)
    except InvalidRequest:
        raise HTTPException(404) from None


@router.get(PATH + "/letters/{name}")
def show_letter(
    visit: Annotated[Visit, Allow(Permission.OPERATE)], name: str, unmask: bool = False
) -> Response:
    return _draw_letter(visit, _find_letter(visit, name), unmask=unmask)


def _draw_letter(
    visit: Visit, one: DeadLetterEntry, *, unmask: bool, problem: str = "", written: str = ""
) -> Response:
    value = dead_letters.decode_value(one.letter)
    shown = value if unmask else mask(value)
    context = {
        "letter": one,
        "cause": dead_letters.CAUSES.get(one.letter.cause, one.letter.cause),
        "place": f"{one.letter.topic}/{one.letter.partition}@{one.letter.offset}",
        "reason": one.letter.reason if unmask else mask_text(one.letter.reason),
        "value": json.dumps(shown, indent=2, ensure_ascii=False),
        "unmask": unmask,
        "mends": written or dead_letters.lay_out(one.letter),
        "problem": problem,
    }
    return draw(visit, "dead_letter.html", status=422 if problem else 200, **context)


@router.post(PATH + "/letters/{name}")
async def resolve_letter(
    visit: Annotated[Visit, Allow(Permission.OPERATE)],
    name: str,
    action: Annotated[str, Form(max_length=10)],
    form_key: Annotated[str, Form(max_length=60)],
    reason: Annotated[str, Form(max_length=1000)] = "",
    value: Annotated[str, Form(max_length=1_100_000)] = "",
) -> Response:
    """Replay as it is, replay what was mended, or drop; each once."""
    one = _find_letter(visit, name)
    kafka, ledger, by = visit.console.kafka, visit.console.ledger, visit.viewer.name

    async def work() -> str:
        letter = dead_letters.find_open_letter(ledger, name)
        if action == "drop":
            if not reason.strip():
                raise InvalidRequest("Say why", "whoever looks at it later wants to know")
            await dead_letters.drop(kafka, ledger, letter, by, reason.strip())
        else:
            mended = value.strip().encode() if action == "mend" else None
            if mended is not None:
                _require_valid(letter.letter.topic, mended)
            await dead_letters.replay(kafka, ledger, letter, mended, by, reason.strip())
        return action

    if action not in ("replay", "mend", "drop"):
        raise HTTPException(422)
    try:
        await once(visit, form_key, work)
    except OperationError as error:
        return _draw_letter(visit, one, unmask=action == "mend", problem=str(error), written=value)
    return RedirectResponse(f"/t/{visit.tenant}/operations#letters", 303)


def _require_valid(topic: str, value: bytes) -> None:
    """Raises InvalidRequest, naming the field that is wrong."""
    try:
        dead_letters.require_valid(topic, value)
    except (ValidationError, UnicodeEncodeError) as error:
        words = dead_letters.describe_error(error)
        raise InvalidRequest(f"It still does not fit {topic}: {words}") from None


async def _do(visit: Visit, form_key: str, work: Any, place: str) -> Response:
    try:
        await once(visit, form_key, work)
    except OperationError as error:
        return draw_error(visit.request, 409, str(error))
    return RedirectResponse(f"/t/{visit.tenant}/operations#{place}", 303)
