"""What is on record of a number, besides consent."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from schemas.topics import NUMBER_FACTS
from services.ledger.ledger import Ledger

SAYS: Final = (
    "sms_enabled",
    "type",
    "time_zone",
    "postal_region",
    "landline",
    "suppressed",
    "doubtful",
    "unreachable_at",
)
"""Fields of a fact that say something of the number."""


class Said(NamedTuple):
    """One fact, and where its record stands."""

    fact: dict[str, Any]
    place: str

    @property
    def what(self) -> dict[str, Any]:
        return {name: self.fact[name] for name in SAYS if self.fact.get(name) is not None}


def said_of(ledger: Ledger, number: str, tenant: str | None) -> tuple[Said, ...]:
    """Oldest first."""
    sql = """SELECT json, part, off FROM number_facts WHERE number = ?1 AND (?2 IS NULL OR tenant = ?2)
        ORDER BY at_ms, part, off"""
    return tuple(
        Said(json.loads(row["json"]), f"{NUMBER_FACTS.name}@{row['part']}:{row['off']}")
        for row in ledger.rows(sql, number, tenant)
    )
