"""Where one message stands."""

from __future__ import annotations

from typing import NamedTuple

from services.ledger.ledger import Ledger


class Standing(NamedTuple):
    """`number` None: it is for a person, and people has not found a number yet.  `state` as in `streams.lifecycle`;
    None: nothing has been decided.  `taken_back`: the gate has told dispatch not to send it.  `again_as`: the id under
    which the same text was asked for again, to another number or by staff."""

    tenant: str
    message_id: str
    number: str | None
    sender: str | None
    state: str | None
    taken_back: bool
    provider_id: str | None
    again_as: str | None


def standings(ledger: Ledger, message_id: str, tenant: str | None = None) -> list[Standing]:
    """Of each tenant that has a message of this id."""
    union = " UNION ".join(
        f"SELECT tenant FROM {table} WHERE message_id = ?1"
        for table in ("requests", "person_requests", "outcomes")
    )
    tenants = sorted(row["tenant"] for row in ledger.rows(union, message_id))
    return [_of(ledger, message_id, name) for name in tenants if tenant in (None, name)]


def _of(ledger: Ledger, message_id: str, tenant: str) -> Standing:
    where = "WHERE message_id = ? AND tenant = ?"
    asked = ledger.rows(f"SELECT number FROM requests {where} LIMIT 1", message_id, tenant)
    orders = ledger.rows(
        f"SELECT number, sender FROM orders {where} ORDER BY off DESC LIMIT 1", message_id, tenant
    )
    outcome = ledger.rows("SELECT state FROM outcomes WHERE identity = ?", f"{tenant}/{message_id}")
    taken = ledger.rows(
        f"SELECT provider_id FROM attempts {where} AND provider_id IS NOT NULL ORDER BY off DESC LIMIT 1",
        message_id,
        tenant,
    )
    again = ledger.rows(
        "SELECT message_id FROM requests WHERE resend_of = ? AND tenant = ? ORDER BY at_ms DESC LIMIT 1",
        message_id,
        tenant,
    )
    return Standing(
        tenant,
        message_id,
        number=next((row["number"] for row in (*asked, *orders)), None),
        sender=orders[0]["sender"] if orders else None,
        state=outcome[0]["state"] if outcome else None,
        taken_back=bool(
            ledger.rows(
                f"SELECT 1 FROM controls {where} AND type = 'cancel' LIMIT 1", message_id, tenant
            )
        ),
        provider_id=taken[0]["provider_id"] if taken else None,
        again_as=again[0]["message_id"] if again else None,
    )
