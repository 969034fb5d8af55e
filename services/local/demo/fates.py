"""One message of each fate, and why."""

from __future__ import annotations

import json
from typing import NamedTuple

from services.ledger import Ledger


class Fate(NamedTuple):
    """`why`: the meaning of the code, or what the gate found; then what to do."""

    state: str
    code: str
    messages: int
    message_id: str
    why: str
    next_step: str


def fates(ledger: Ledger, tenant: str) -> list[Fate]:
    """By state, code and, where the gate decided, the first rule that did."""
    found: dict[tuple[str, str], Fate] = {}
    sql = "SELECT message_id, json FROM outcomes WHERE tenant = ? ORDER BY state, error_code, message_id"
    for row in ledger.rows(sql, tenant):
        fate = _fate(ledger, tenant, row["message_id"], json.loads(row["json"]))
        kind = (fate.state, fate.code)
        found[kind] = found.get(kind, fate)._replace(
            messages=found[kind].messages + 1 if kind in found else 1
        )
    return list(found.values())


def _fate(ledger: Ledger, tenant: str, message_id: str, outcome: dict[str, str]) -> Fate:
    if code := outcome.get("error_code"):
        title, step = (outcome.get(name) or "" for name in ("error_title", "next_step"))
        return Fate(outcome["state"], code, 1, message_id, title, step)
    sql = "SELECT json FROM decisions WHERE tenant = ? AND message_id = ? ORDER BY seq DESC LIMIT 1"
    last = [json.loads(row["json"]) for row in ledger.rows(sql, tenant, message_id)]
    deciding = [
        one
        for decision in last
        for one in decision.get("findings", ())
        if one["verdict"] == decision["verdict"]
    ]
    if not deciding:
        return Fate(outcome["state"], "", 1, message_id, "nothing was against it", "")
    one = deciding[0]
    return Fate(
        outcome["state"], one["rule"], 1, message_id, one["reason"], one.get("next_step") or ""
    )
