"""What a number fact changes in the number's row."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from schemas.number_fact import NumberFact
from streams.gate.state import NumberRow

LEARNED: Final = ("type", "time_zone", "postal_region", "landline", "doubtful", "suppressed")
PEOPLE_AT_MOST: Final = 100
"""People whose switch for one number is kept; the first told give way."""


DAYS_IN_DOUBT: Final = 3
WITHIN: Final = timedelta(days=60)
"""So many days without reaching it, this close together, make a number doubtful: any one of them may be a handset that
was off."""


def learned(row: NumberRow, record: NumberFact) -> dict[str, Any]:
    """Only what is given."""
    given = {field: said for field in LEARNED if (said := getattr(record, field)) is not None}
    return {**given, **_switched(row, record), **_unreached(row, record)}


def _switched(row: NumberRow, record: NumberFact) -> dict[str, Any]:
    """A person's switch is kept by person: several may share a number, and each has it on or off for themselves until
    it is theirs no longer."""
    if record.person_id is None:
        return {} if record.sms_enabled is None else {"sms_enabled": record.sms_enabled}
    others = {person: on for person, on in row.switches.items() if person != record.person_id}
    if record.left:
        return {"switches": others}
    if record.sms_enabled is None:
        return {}
    kept = dict([*others.items()][-PEOPLE_AT_MOST + 1 :])
    return {"switches": kept | {record.person_id: record.sms_enabled}}


def _unreached(row: NumberRow, record: NumberFact) -> dict[str, Any]:
    """Doubt is taken back by whoever says `doubtful: false`, and counted anew."""
    if record.doubtful is False:
        return {"unreachable": ()}
    if record.unreachable_at is None:
        return {}
    days = _days({*row.unreachable, record.unreachable_at.date()})
    return {"unreachable": days} | ({"doubtful": True} if len(days) >= DAYS_IN_DOUBT else {})


def _days(days: set[date]) -> tuple[date, ...]:
    """The latest, as many as it takes."""
    last = max(days)
    return tuple(sorted(day for day in days if last - day <= WITHIN))[-DAYS_IN_DOUBT:]
