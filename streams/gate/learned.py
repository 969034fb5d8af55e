"""What a number fact changes in the number's row."""

from __future__ import annotations

from typing import Any, Final

from schemas.number_fact import NumberFact
from streams.gate.rows import NumberRow

LEARNED: Final = ("type", "time_zone", "postal_region", "landline", "doubtful")
PEOPLE_AT_MOST: Final = 100
"""People whose switch for one number is kept; the first told give way."""


def learned(row: NumberRow, fact: NumberFact) -> dict[str, Any]:
    """Only what is given.  A person's switch is kept by person: several may share a number, and each has it on or off
    for themselves until it is theirs no longer."""
    given = {field: said for field in LEARNED if (said := getattr(fact, field)) is not None}
    if fact.person_id is None:
        return given if fact.sms_enabled is None else given | {"sms_enabled": fact.sms_enabled}
    others = {person: on for person, on in row.switches.items() if person != fact.person_id}
    if fact.left or fact.sms_enabled is None:
        return given | {"switches": others if fact.left else row.switches}
    kept = dict([*others.items()][-PEOPLE_AT_MOST + 1 :])
    return given | {"switches": kept | {fact.person_id: fact.sms_enabled}}
