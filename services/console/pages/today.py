"""Today: the events of today and tomorrow, who has been reached, and whom to call.

A firm may have hundreds of events a day: the page has the first day, and asks for the next by
itself."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.access import Allow, Visit
from services.console.pages.usage import EARLIEST, LATEST
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.cases import find_settings
from services.operations.day_sheet import DAYS, Reached, make_day_sheet

router = APIRouter(include_in_schema=False)


@router.get("/t/{tenant}/today")
def show_today(
    visit: Annotated[Visit, Allow(Permission.READ)],
    day: Annotated[date | None, Query(ge=EARLIEST, le=LATEST)] = None,
    ahead: Annotated[int, Query(ge=0, lt=DAYS)] = 0,
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """`ahead`: how many days after the first; a part of the page."""
    template = "parts/today.html" if part else "today.html"
    return draw(visit, template, **_read(visit, day, ahead if part else 0))


def _read(visit: Visit, day: date | None, ahead: int) -> dict[str, Any]:
    """Without `day`: today, by the tenant's clock."""
    ledger = visit.console.ledger
    settings = find_settings(ledger, visit.tenant)
    zone = ZoneInfo(settings.time_zone if settings else "UTC")
    first = day or visit.now.astimezone(zone).date()
    shown = first + timedelta(days=ahead)
    sheet = make_day_sheet(ledger, visit.tenant, shown, visit.now, visit.branches, number=1)
    people = [party for line in sheet.lines for party in line.parties]
    return {
        "sheet": sheet,
        "first": first,
        "ahead": ahead,
        "later": range(1, DAYS),
        "DAY": timedelta(days=1),
        "is_today": day is None,
        "Reached": Reached,
        "counts": Counter(party.reached for party in people),
        "waiting": sum(party.waiting_since is not None for party in people),
    }
