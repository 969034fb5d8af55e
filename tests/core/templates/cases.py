"""What the tests of templates put into them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streams.templates.fields import (
    CaseFields,
    EventFields,
    Fields,
    PersonFields,
    TenantFields,
)

NEW_YORK, DENVER, PHOENIX = "America/New_York", "America/Denver", "America/Phoenix"
HEARING = EventFields("Hearing", "2026-11-02T09:00", NEW_YORK, "Room 4")


def fields(**given: Any) -> Fields:
    """Ana in New York, a week before her hearing there."""
    made = Fields(
        now=datetime(2026, 10, 26, 14, tzinfo=UTC),
        zones=(NEW_YORK,),
        person=PersonFields("Ana Ruiz", "Ana", "es"),
        case=CaseFields("In re Ruiz", "8:26-bk-1", "bankruptcy", "Oakland"),
        tenant=TenantFields("Harbor Legal Aid", "+12125550100"),
        event=HEARING,
        confirm="C",
    )
    return made._replace(**given)


def at(written: str) -> datetime:
    """`2026-11-01 12:00`, in UTC."""
    return datetime.fromisoformat(f"{written}+00:00")
