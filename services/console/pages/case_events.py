"""Events of a case: before one is saved, the page shows which texts would change, go, be taken back
or be corrected."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from schemas.time_zones import is_place
from services.console.access import Allow, Visit
from services.console.pages.case import know_case, read_case, record
from services.console.rendering import draw
from services.console.viewer import Permission
from services.operations import cases
from services.operations.case_parts import EventDraft, build_event, build_event_canceled
from services.operations.cases import Change, KnownCase, find_event
from services.operations.errors import OperationError
from services.operations.event_change import EventEffects, compare_event
from services.operations.validation import new_id

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/cases/{case_id}/events"


@router.get(PATH + "/{event_id}")
def show_event(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    case_id: str,
    event_id: str,
    day: Annotated[date | None, Query()] = None,
    clock: Annotated[str | None, Query(pattern=r"^(\d\d:\d\d)?$")] = None,
) -> Response:
    """`new`: an empty form. `day` and `clock`: to where the event was dragged; what saving that
    would do is shown at once."""
    about = know_case(visit, case_id)
    event = None if event_id == "new" else cases.require_event(about, event_id)
    given = {"event_id": new_id("e") if event is None else event_id}
    if event is not None:
        was, _, at = event.starts_at.partition("T")
        given |= {
            "title": event.title,
            "day": was[:10],
            "clock": at[:5],
            "event_type": event.event_type or "",
            "place": event.location or "",
            "zone": event.time_zone,
            "remind": "\n".join(event.reminders),
        }
    if day is None:
        return _draw(visit, about, given, event=event)
    given |= {"day": day.isoformat()} | ({} if clock is None else {"clock": clock})
    if event is None:
        return _draw(visit, about, given)
    try:
        _, effects = _build(visit, about, event_id, given)
    except OperationError as error:
        return _draw(visit, about, given, event=event, problem=str(error))
    return _draw(visit, about, given, event=event, effects=effects)


def _build(
    visit: Visit, about: KnownCase, event_id: str, given: dict[str, str]
) -> tuple[Change, EventEffects]:
    """The change that the form asks for, and what it does. Raises OperationError."""
    day, clock = given["day"], given["clock"]
    draft = EventDraft(
        given["title"].strip(),
        f"{day}T{clock}" if clock else day,
        given["event_type"].strip() or None,
        given["zone"].strip() or None,
        given["place"].strip() or None,
        tuple(line.strip() for line in given["remind"].splitlines() if line.strip()),
    )
    change = build_event(about, event_id, draft, visit.viewer.name, visit.now)
    return change, compare_event(about, change, visit.now)


def _draw(
    visit: Visit,
    about: KnownCase,
    given: dict[str, str],
    *,
    event: Any = None,
    effects: EventEffects | None = None,
    problem: str = "",
) -> Response:
    typed = given.get("zone", "").strip()
    settings = about.settings
    recipes = settings.recipes.values() if settings else ()
    context = read_case(visit, about) | {
        "given": given,
        "event": event,
        "effects": effects,
        "problem": problem,
        "types": sorted({one.event_type for one in recipes if one.event_type}),
        "zone": ZoneInfo(typed if is_place(typed) else about.time_zone),
    }
    return draw(visit, "case_event.html", status=422 if problem else 200, **context)


@router.post(PATH + "/{event_id}")
async def save_event(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    case_id: str,
    event_id: str,
    form_key: Annotated[str, Form(max_length=60)],
    title: Annotated[str, Form(max_length=400)] = "",
    day: Annotated[str, Form(max_length=20)] = "",
    clock: Annotated[str, Form(max_length=20)] = "",
    event_type: Annotated[str, Form(max_length=400)] = "",
    place: Annotated[str, Form(max_length=400)] = "",
    zone: Annotated[str, Form(max_length=100)] = "",
    remind: Annotated[str, Form(max_length=2000)] = "",
    version: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Without `version`: show what it would do. With it: save, unless that has changed since."""
    about = know_case(visit, case_id)
    given = {
        "event_id": event_id,
        "title": title,
        "day": day,
        "clock": clock,
        "event_type": event_type,
        "place": place,
        "zone": zone,
        "remind": remind,
    }
    event = find_event(about, event_id)
    try:
        change, effects = _build(visit, about, event_id, given)
    except OperationError as error:
        return _draw(visit, about, given, event=event, problem=str(error))
    if version != effects.version:
        problem = "The case has changed since. Look again at what would go." if version else ""
        return _draw(visit, about, given, event=event, effects=effects, problem=problem)
    return await record(visit, about, form_key, given, lambda: change)


@router.post(PATH + "/{event_id}/cancel")
async def cancel_event(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    case_id: str,
    event_id: str,
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    about = know_case(visit, case_id)

    def build() -> Change:
        return build_event_canceled(about, event_id, visit.viewer.name, visit.now)

    return await record(visit, about, form_key, {}, build)
