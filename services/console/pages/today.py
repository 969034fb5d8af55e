"""Today: the events of today and tomorrow, who has been reached, and whom to call."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.access import Allow, Visit
from services.console.pages.usage import EARLIEST, LATEST
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.cases import find_settings
from services.operations.day_sheet import Reached, make_day_sheet

router = APIRouter(include_in_schema=False)


@router.get("/t/{tenant}/today")
def show_today(
    visit: Annotated[Visit, Allow(Permission.READ)],
    day: Annotated[date | None, Query(ge=EARLIEST, le=LATEST)] = None,
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    return draw(visit, "parts/today.html" if part else "today.html", **_read(visit, day))


def _read(visit: Visit, day: date | None) -> dict[str, Any]:
    """Without `day`: today, by the tenant's clock."""
    ledger = visit.console.ledger
    settings = find_settings(ledger, visit.tenant)
    zone = ZoneInfo(settings.time_zone if settings else "UTC")
    first = day or visit.now.astimezone(zone).date()
    sheet = make_day_sheet(ledger, visit.tenant, first, visit.now, visit.branches)
    people = [party for line in sheet.lines for party in line.parties]
    return {
        "sheet": sheet,
        "first": first,
        "is_today": day is None,
        "Reached": Reached,
        "counts": Counter(party.reached for party in people),
        "waiting": sum(party.waiting_since is not None for party in people),
    }
