"""A person as the ledger knows them: record, consent for each number, what is held for them; and
facts of a number."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from schemas.person import Person
from schemas.topics import NUMBER_FACTS
from services.ledger.ledger import Ledger


class PersonView(NamedTuple):
    person: dict[str, Any]
    consent: dict[str, str]
    """The consent state of each number."""
    waiting: tuple[dict[str, Any], ...]
    """Outcomes of the messages that are held for them."""
    reasons: dict[str, str]
    """Why each of these is held, by message id: the first finding."""


def find_people(
    ledger: Ledger, person_id: str, tenant: str | None = None
) -> tuple[PersonView, ...]:
    """One for each tenant that knows somebody by this id."""
    sql = """SELECT json FROM people WHERE person_id = ?1 AND (?2 IS NULL OR tenant = ?2)
        ORDER BY tenant"""
    rows = ledger.rows(sql, person_id, tenant)
    return tuple(_view(ledger, json.loads(row["json"])) for row in rows)


def find_person(ledger: Ledger, tenant: str, person_id: str) -> Person | None:
    """None also for a person who was deleted."""
    sql = "SELECT json FROM people WHERE person_id = ? AND tenant = ?"
    found = ledger.rows(sql, person_id, tenant)
    person = Person.model_validate_json(found[0]["json"]) if found else None
    return person if person is not None and not person.deleted else None


def find_names(ledger: Ledger, people: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """By tenant and id, of those who have a name and were not deleted; all at once."""
    identities = sorted({f"{tenant}/{person_id}" for tenant, person_id in people})
    sql = """SELECT p.json FROM json_each(?) j CROSS JOIN people p ON p.identity = j.value
        ORDER BY j.key"""
    rows = ledger.rows(sql, json.dumps(identities)) if identities else []
    found = (json.loads(row["json"]) for row in rows)
    return {
        (one["tenant"], one["person_id"]): one["name"]
        for one in found
        if one.get("name") and not one.get("deleted")
    }


def _view(ledger: Ledger, person: dict[str, Any]) -> PersonView:
    numbers = [one["number"] for one in person.get("numbers", ())]
    waiting = _waiting(ledger, person)
    return PersonView(
        person,
        {number: _consent(ledger, person["tenant"], number) for number in numbers},
        waiting,
        {outcome["message_id"]: _reason(ledger, outcome) for outcome in waiting},
    )


def _consent(ledger: Ledger, tenant: str, number: str) -> str:
    sql = "SELECT state FROM consent_status WHERE number = ? AND tenant = ?"
    found = ledger.rows(sql, number, tenant)
    return str(found[0]["state"]) if found else "none"


def _waiting(ledger: Ledger, person: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    sql = """SELECT json FROM outcomes
        WHERE state = 'held' AND tenant = ? AND person_id = ? ORDER BY requested_ms"""
    rows = ledger.rows(sql, person["tenant"], person["person_id"])
    return tuple(json.loads(row["json"]) for row in rows)


def _reason(ledger: Ledger, outcome: dict[str, Any]) -> str:
    sql = "SELECT json FROM decisions WHERE message_id = ? AND tenant = ? ORDER BY seq DESC LIMIT 1"
    found = ledger.rows(sql, outcome["message_id"], outcome["tenant"])
    findings = json.loads(found[0]["json"]).get("findings", ()) if found else ()
    return next((f"{one['reason']}: {one.get('next_step', '')}" for one in findings), "")


# Facts of a number, besides consent.

FACT_FIELDS: Final = (
    "sms_enabled",
    "type",
    "time_zone",
    "postal_region",
    "landline",
    "suppressed",
    "doubtful",
    "unreachable_at",
)
"""Fields of a fact that tell something about the number."""


class NumberFactRecord(NamedTuple):
    fact: dict[str, Any]
    place: str
    """Where its record is: topic@partition:offset."""

    @property
    def what(self) -> dict[str, Any]:
        return {name: self.fact[name] for name in FACT_FIELDS if self.fact.get(name) is not None}


def list_number_facts(
    ledger: Ledger, number: str, tenant: str | None
) -> tuple[NumberFactRecord, ...]:
    """Oldest first."""
    sql = """SELECT json, part, off FROM number_facts WHERE number = ?1 AND (?2 IS NULL
        OR tenant = ?2)
        ORDER BY at_ms, part, off"""
    return tuple(
        NumberFactRecord(json.loads(row["json"]), f"{NUMBER_FACTS.name}@{row['part']}:{row['off']}")
        for row in ledger.rows(sql, number, tenant)
    )


def list_numbers_of(ledger: Ledger, tenant: str, person_id: str) -> tuple[str, ...]:
    """Numbers that were ever known as this person's, the latest last."""
    sql = """SELECT number, max(at_ms) AS at FROM number_facts
        WHERE tenant = ? AND json_extract(json, '$.person_id') = ?
        GROUP BY number ORDER BY at, number"""
    return tuple(row["number"] for row in ledger.rows(sql, tenant, person_id))
