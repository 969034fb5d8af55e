"""The usage report, as the usage room published it, and whether the books balance."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from schemas.reports import UsageRow
from schemas.send_request import SystemKind
from services.ledger.ledger import Ledger


class Filter(NamedTuple):
    """Days are the tenant's local ones, both ends included."""

    tenant: str | None = None
    since: date | None = None
    until: date | None = None
    sender: str | None = None
    branch: str | None = None
    kind: str | None = None
    state: str | None = None


class Usage(NamedTuple):
    """`requested`: messages asked for or opened by a decision; `by_state`: the same messages by what became of them."""

    rows: tuple[UsageRow, ...]
    messages: int
    segments: int
    requested: int
    by_state: dict[str, int]


_CONDITIONS = {
    "tenant": "tenant = ?",
    "since": "period >= ?",
    "until": "period <= ?",
    "sender": "sender = ?",
    "branch": "branch = ?",
    "kind": "kind = ?",
    "state": "state = ?",
}


def usage(ledger: Ledger, wanted: Filter = Filter()) -> Usage:  # noqa: B008 - a constant
    asked = {
        _CONDITIONS[name]: str(value)
        for name, value in wanted._asdict().items()
        if value is not None
    }
    where = " AND ".join(["messages <> 0", *asked])
    found = ledger.rows(f"SELECT json FROM usage WHERE {where} ORDER BY identity", *asked.values())
    rows = tuple(UsageRow.model_validate_json(row["json"]) for row in found)
    return Usage(
        rows,
        sum(row.messages for row in rows),
        sum(row.segments for row in rows),
        requested(ledger, wanted.tenant),
        by_state(ledger, wanted.tenant),
    )


def requested(ledger: Ledger, tenant: str | None = None) -> int:
    """Identities, however often each was published: a request for a person is the same one at the gate, and one more
    for each further number that it moved to.  With those that Sayso itself started, which open with a decision."""
    sql = """SELECT count(*) AS n FROM (
        SELECT tenant, message_id FROM requests WHERE ?1 IS NULL OR tenant = ?1
        UNION SELECT tenant, message_id FROM person_requests WHERE ?1 IS NULL OR tenant = ?1
        UNION SELECT tenant, message_id FROM decisions WHERE ?1 IS NULL OR tenant = ?1)"""
    return int(ledger.rows(sql, tenant)[0]["n"])


def started(ledger: Ledger, tenant: str | None = None) -> int:
    """Of those, the texts that nobody asked for: Sayso's own, such as opt-in requests."""
    kinds = ", ".join(f"'{kind}'" for kind in SystemKind)
    sql = f"""SELECT count(*) AS n FROM (SELECT DISTINCT tenant, message_id FROM decisions
        WHERE kind IN ({kinds}) AND (?1 IS NULL OR tenant = ?1))"""
    return int(ledger.rows(sql, tenant)[0]["n"])


def by_state(ledger: Ledger, tenant: str | None = None) -> dict[str, int]:
    return _counted(
        ledger,
        "SELECT state AS name, count(*) AS n FROM outcomes WHERE ?1 IS NULL OR tenant = ?1 GROUP BY 1",
        tenant,
    )


def by_verdict(ledger: Ledger, tenant: str | None = None) -> dict[str, int]:
    """Messages by the last decision on each."""
    sql = """SELECT verdict AS name, count(*) AS n FROM
        (SELECT verdict, max(seq) FROM decisions WHERE ?1 IS NULL OR tenant = ?1 GROUP BY tenant, message_id)
        GROUP BY 1"""
    return _counted(ledger, sql, tenant)


def _counted(ledger: Ledger, sql: str, *values: Any) -> dict[str, int]:
    return {str(row["name"]): int(row["n"]) for row in ledger.rows(sql, *values)}
