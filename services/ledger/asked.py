"""What was asked for under a message id, text and all, as long as the topic kept it."""

from __future__ import annotations

from schemas.person import Person, PersonRequest
from schemas.send_request import SendRequest
from services.ledger.ledger import Ledger


def asked(ledger: Ledger, tenant: str, message_id: str) -> SendRequest | PersonRequest | None:
    """As the gate read it; as people did, where it never came to the gate."""
    kinds: tuple[tuple[str, type[SendRequest | PersonRequest]], ...] = (
        ("requests", SendRequest),
        ("person_requests", PersonRequest),
    )
    for table, kind in kinds:
        sql = f"SELECT json FROM {table} WHERE message_id = ? AND tenant = ? ORDER BY part, off LIMIT 1"
        found = ledger.rows(sql, message_id, tenant)
        if found:
            return kind.model_validate_json(found[0]["json"])
    return None


def resends(ledger: Ledger, tenant: str, message_id: str) -> tuple[str, ...]:
    """The messages that repeat this one, oldest first."""
    sql = """SELECT message_id, min(at_ms) AS at FROM (
        SELECT message_id, at_ms FROM requests WHERE resend_of = ?1 AND tenant = ?2
        UNION ALL SELECT message_id, at_ms FROM person_requests WHERE resend_of = ?1 AND tenant = ?2)
        GROUP BY message_id ORDER BY at, message_id"""
    return tuple(row["message_id"] for row in ledger.rows(sql, message_id, tenant))


def on_record(ledger: Ledger, tenant: str, person_id: str) -> Person | None:
    """Nobody where the person was deleted."""
    found = ledger.rows(
        "SELECT json FROM people WHERE person_id = ? AND tenant = ?", person_id, tenant
    )
    person = Person.model_validate_json(found[0]["json"]) if found else None
    return person if person is not None and not person.deleted else None
