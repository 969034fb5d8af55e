"""Who somebody is, where consent stands for each of their numbers, and what waits for them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from services.ledger.ledger import Ledger


class Known(NamedTuple):
    """`consent`: by number, as the gate last said.  `waiting`: outcomes of what is held for them; `reasons`: why each
    of these is, by message id, first reason first."""

    person: dict[str, Any]
    consent: dict[str, str]
    waiting: tuple[dict[str, Any], ...]
    reasons: dict[str, str]


def people(ledger: Ledger, person_id: str, tenant: str | None = None) -> tuple[Known, ...]:
    """One per tenant that knows somebody by this id."""
    sql = "SELECT json FROM people WHERE person_id = ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY tenant"
    return tuple(
        _known(ledger, json.loads(row["json"])) for row in ledger.rows(sql, person_id, tenant)
    )


def _known(ledger: Ledger, person: dict[str, Any]) -> Known:
    waiting = _waiting(ledger, person)
    return Known(
        person,
        {
            one["number"]: _consent(ledger, person["tenant"], one["number"])
            for one in person.get("numbers", ())
        },
        waiting,
        {one["message_id"]: _reason(ledger, one) for one in waiting},
    )


def _consent(ledger: Ledger, tenant: str, number: str) -> str:
    found = ledger.rows(
        "SELECT state FROM consent_status WHERE number = ? AND tenant = ?", number, tenant
    )
    return str(found[0]["state"]) if found else "none"


def _waiting(ledger: Ledger, person: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    sql = """SELECT json FROM outcomes WHERE state = 'held' AND tenant = ? AND json_extract(json, '$.person_id') = ?
        ORDER BY json_extract(json, '$.requested_at')"""
    return tuple(
        json.loads(row["json"]) for row in ledger.rows(sql, person["tenant"], person["person_id"])
    )


def _reason(ledger: Ledger, outcome: dict[str, Any]) -> str:
    sql = "SELECT json FROM decisions WHERE message_id = ? AND tenant = ? ORDER BY seq DESC LIMIT 1"
    found = ledger.rows(sql, outcome["message_id"], outcome["tenant"])
    findings = json.loads(found[0]["json"]).get("findings", ()) if found else ()
    return next((f"{one['reason']}: {one.get('next_step', '')}" for one in findings), "")
