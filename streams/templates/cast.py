"""The people and events that every template is tried with before anybody gets a text from it.

They are made up and always the same, so that a count of segments means something: the shortest that
happens, the longest, and the strangest, whose name no alphabet of phones holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from streams.templates.fields import (
    CaseFields,
    ContextKind,
    DateFields,
    EventFields,
    Fields,
    PersonFields,
    TenantFields,
)

FIRM: Final = TenantFields("Harbor Legal Aid", "+12125550100")

_SHORTEST: Final = Fields(
    now=datetime(2026, 5, 4, 12, tzinfo=UTC),  # the event is today
    zones=("America/New_York",),
    person=PersonFields("Bo Li", "Bo", "en"),
    case=CaseFields("Li", "1", "will", "Main"),
    tenant=FIRM,
    event=EventFields("Call", "2026-05-04T09:00", "America/New_York", "Room 1"),
    date=DateFields("due", date(2026, 5, 4), "America/New_York"),
    confirm="C",
)
_LONGEST: Final = Fields(
    now=datetime(2026, 9, 20, 20, tzinfo=UTC),  # too far ahead for a weekday alone
    zones=("America/New_York", "America/Chicago"),
    person=PersonFields("Maria Guadalupe Hernandez de la Cruz Villanueva", "Maria Guadalupe", "es"),
    case=CaseFields(
        "In re Maria Guadalupe and Jose Antonio Hernandez de la Cruz, joint debtors",
        "8:26-bk-10432-SC",
        "Chapter 13 bankruptcy, joint",
        "Consumer bankruptcy, Los Angeles",
    ),
    tenant=FIRM,
    event=EventFields(
        "Meeting of creditors (section 341(a))",
        "2026-09-30T12:30",
        "America/Phoenix",
        "Sandra Day O'Connor Courthouse, Courtroom 601, 401 West Washington Street, Phoenix",
    ),
    date=DateFields("confirmation-objection-deadline", date(2026, 9, 30), "America/Phoenix"),
    confirm="CONFIRM",
)
_STRANGEST: Final = _LONGEST._replace(
    person=PersonFields("Żółć $& {{x}} O’Brien 🙂", "Zoë-Łucja 🙂", "pl"),
    zones=("Asia/Kolkata",),
)

CAST: Final[Mapping[str, Fields]] = {
    "shortest": _SHORTEST,
    "longest": _LONGEST,
    "strangest": _STRANGEST,
}


def play(member: Fields, kind: ContextKind, tenant: TenantFields, *, confirms: bool) -> Fields:
    """The member as far as a template of this kind may know them."""
    has_event = kind in (ContextKind.EVENT, ContextKind.ANY)
    has_date = kind in (ContextKind.DATE, ContextKind.ANY)
    return member._replace(
        tenant=tenant,
        event=member.event if has_event else None,
        date=member.date if has_date else None,
        confirm=member.confirm if confirms else None,
    )
