"""A case's events in a calendar. An event is dragged to another day or time there; the page of the
event then shows what that would do, before anything is saved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.event_calendar import View, lay_out
from services.console.pages.case import PATH, know_case
from services.console.rendering import draw
from services.console.viewer import Permission

router = APIRouter(include_in_schema=False)


@router.get(PATH + "/calendar")
def show_calendar(
    visit: Annotated[Visit, Allow(Permission.READ)],
    case_id: str,
    view: View = View.WEEKS,
    on: Annotated[date | None, Query()] = None,
) -> Response:
    """`on`: a day that is shown; left out, that of the next event."""
    about = know_case(visit, case_id)
    here = f"/t/{about.tenant}/cases/{about.case_id}"
    case = about.case
    if case is None:
        return RedirectResponse(here, 303)
    today = visit.now.astimezone(ZoneInfo(case.time_zone)).date()
    ahead = [one for one in case.events if not one.canceled and one.at >= visit.now]
    following = min(ahead, key=lambda one: one.at, default=None)
    chosen = on or (_day(following.starts_at) if following else today)
    context: dict[str, Any] = {
        "about": about,
        "case": case,
        "here": here,
        "calendar": lay_out(case.events, view, chosen),
        "today": today,
        "on": chosen,
        "can_write": visit.may(Permission.WRITE, case.branch),
    }
    return draw(visit, "case_calendar.html", **context)


def _day(starts_at: str) -> date:
    return datetime.fromisoformat(starts_at).date()
