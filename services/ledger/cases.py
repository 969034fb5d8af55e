"""Cases as the ledger knows them: each as a whole, its texts, and the changes that made it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import orjson

from schemas.base import KEPT
from schemas.case import Case, CaseText
from schemas.consent import ConsentStatus
from schemas.person import Person
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import CASE_EVENTS
from services.ledger.ledger import Ledger
from services.ledger.times import parse_time


class CaseName(NamedTuple):
    tenant: str
    case_id: str


class CaseChange(NamedTuple):
    """A record of `sms.case-events`."""

    change: dict[str, Any]
    place: str
    """Where its record is: topic@partition:offset."""


def find_cases(ledger: Ledger, case_id: str, tenant: str | None = None) -> tuple[Case, ...]:
    """One for each tenant that has a case of this id."""
    sql = """SELECT json FROM cases WHERE case_id = ?1 AND (?2 IS NULL OR tenant = ?2)
        ORDER BY tenant"""
    return tuple(Case.model_validate_json(row["json"]) for row in ledger.rows(sql, case_id, tenant))


def list_cases_by_id(ledger: Ledger, tenant: str, case_ids: Collection[str]) -> tuple[Case, ...]:
    """Those of these cases that are on record, by their ids."""
    sql = """SELECT c.json FROM json_each(?) j
        CROSS JOIN cases c ON c.identity = ? || '/' || j.value ORDER BY c.identity"""
    rows = ledger.rows(sql, json.dumps([*case_ids]), tenant)
    return tuple(Case.model_validate_json(row["json"]) for row in rows)


def list_branches(ledger: Ledger, tenant: str, case_ids: Collection[str]) -> dict[str, str | None]:
    """Of those of these cases that are on record."""
    sql = """SELECT c.case_id, c.branch FROM json_each(?) j
        CROSS JOIN cases c ON c.identity = ? || '/' || j.value"""
    rows = ledger.rows(sql, json.dumps([*case_ids]), tenant)
    return {row["case_id"]: row["branch"] for row in rows}


def find_case_names(
    ledger: Ledger, case_id: str, tenant: str | None = None
) -> tuple[CaseName, ...]:
    """Also cases of which nothing but a change is on record yet."""
    sql = """SELECT tenant, case_id FROM cases WHERE case_id = ?1 AND (?2 IS NULL OR tenant = ?2)
        UNION SELECT tenant, case_id FROM case_events
            WHERE case_id = ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY tenant"""
    return tuple(CaseName(*row) for row in ledger.rows(sql, case_id, tenant))


def find_case_title(ledger: Ledger, tenant: str, case_id: str) -> tuple[str, str | None] | None:
    """What a case is called, and its branch."""
    sql = """SELECT json_extract(json, '$.title') AS title, json_extract(json, '$.branch') AS branch
        FROM cases WHERE tenant = ?1 AND case_id = ?2"""
    found = next(iter(ledger.rows(sql, tenant, case_id)), None)
    return (found["title"] or "", found["branch"]) if found else None


def list_case_names(ledger: Ledger, tenant: str | None = None) -> tuple[CaseName, ...]:
    """All that are known by a change or as a whole."""
    sql = """SELECT tenant, case_id FROM cases WHERE ?1 IS NULL OR tenant = ?1
        UNION SELECT tenant, case_id FROM case_events WHERE ?1 IS NULL OR tenant = ?1
        ORDER BY tenant, case_id"""
    return tuple(CaseName(*row) for row in ledger.rows(sql, tenant))


def list_cases(
    ledger: Ledger, tenant: str | None = None, *, closed: bool = False
) -> tuple[Case, ...]:
    """By tenant and id.  `closed`: also those."""
    sql = """SELECT json FROM cases WHERE (?1 IS NULL OR tenant = ?1) AND (?2 = 1 OR closed = 0)
        ORDER BY tenant, case_id"""
    return tuple(Case.model_validate_json(row["json"]) for row in ledger.rows(sql, tenant, closed))


_LATEST_TEXTS: Final = """SELECT json FROM (SELECT t.json, row_number() OVER
            (PARTITION BY t.case_id, t.text_id ORDER BY t.version DESC) AS place
        FROM json_each(?) j
        CROSS JOIN case_texts t ON t.case_id = j.value AND t.tenant = ?) x
    WHERE place = 1"""


def list_case_texts(ledger: Ledger, tenant: str, *case_ids: str) -> tuple[CaseText, ...]:
    """How each text of the cases stands now, by the time that it was due."""
    rows = ledger.rows(_LATEST_TEXTS, json.dumps(case_ids), tenant)
    found = [CaseText.model_validate_json(row["json"]) for row in rows]
    return tuple(sorted(found, key=lambda one: (one.due_at or one.at, one.text_id)))


class EventText(NamedTuple):
    """How a text about an event stands: of it as much as a sheet of thousands needs."""

    case_id: str
    person_id: str
    event_id: str
    event_starts_at: str | None
    state: str
    message_id: str | None
    says: str | None


def list_event_texts(ledger: Ledger, tenant: str, case_ids: Sequence[str]) -> list[EventText]:
    """By the time that each was due. They are not checked again, which would take most of the
    time."""
    rows = ledger.rows(_LATEST_TEXTS, json.dumps(case_ids), tenant)
    found = [orjson.loads(row["json"]) for row in rows]
    of_events = [one for one in found if one.get("event_id")]
    of_events.sort(key=lambda one: (parse_time(one.get("due_at") or one["at"]), one["text_id"]))
    optional = EventText._fields[3:]
    return [
        EventText(one["case_id"], one["person_id"], one["event_id"], *map(one.get, optional))
        for one in of_events
    ]


def list_case_changes(ledger: Ledger, tenant: str, case_id: str) -> tuple[CaseChange, ...]:
    """By the time that each was decided; a repeat is listed once."""
    sql = """SELECT json, part, off FROM case_events WHERE case_id = ? AND tenant = ?
        ORDER BY part, off"""
    found: dict[str, CaseChange] = {}
    for row in ledger.rows(sql, case_id, tenant):
        place = f"{CASE_EVENTS.name}@{row['part']}:{row['off']}"
        change = CaseChange(json.loads(row["json"]), place)
        found.setdefault(str(change.change.get("change_id", place)), change)
    return tuple(sorted(found.values(), key=lambda one: str(one.change.get("at", ""))))


def list_statuses(ledger: Ledger, tenant: str, numbers: set[str]) -> dict[str, ConsentStatus]:
    """The consent of these numbers, as far as anything was decided."""
    sql = """SELECT number, json FROM consent_status WHERE tenant = ?
        AND number IN (SELECT value FROM json_each(?))"""
    rows = ledger.rows(sql, tenant, json.dumps(sorted(numbers)))
    return {row["number"]: ConsentStatus.model_validate_json(row["json"]) for row in rows}


def list_people(ledger: Ledger, tenant: str, person_ids: set[str]) -> dict[str, Person]:
    """Those who are on record and were not deleted."""
    sql = """SELECT json FROM people WHERE tenant = ?
        AND person_id IN (SELECT value FROM json_each(?))"""
    rows = ledger.rows(sql, tenant, json.dumps(sorted(person_ids)))
    people = [Person.model_validate_json(row["json"]) for row in rows]
    return {person.person_id: person for person in people if not person.deleted}


def find_settings(ledger: Ledger, tenant: str) -> TenantSettings | None:
    """As they are now."""
    rows = ledger.rows("SELECT json FROM tenants WHERE tenant = ?", tenant)
    if not rows:
        return None
    return TenantSettings.model_validate_json(rows[0]["json"], context=KEPT)


def list_person_ids(ledger: Ledger, tenant: str) -> tuple[str, ...]:
    """For a hint at the nearest name."""
    sql = "SELECT person_id FROM people WHERE tenant = ? ORDER BY person_id"
    return tuple(row["person_id"] for row in ledger.rows(sql, tenant))


def find_sender(ledger: Ledger, sender: str) -> Sender | None:
    """As it is declared now."""
    rows = ledger.rows("SELECT json FROM senders WHERE sender = ?", sender)
    return Sender.model_validate_json(rows[0]["json"], context=KEPT) if rows else None
