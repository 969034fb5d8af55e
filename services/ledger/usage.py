"""The usage report as it was published, what it is counted from, and the checks of segments and
codes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, Final, NamedTuple

from schemas.reports import UsageRow
from schemas.send_request import SystemKind
from services.ledger.ledger import Ledger
from services.ledger.usage_sums import Months
from streams.error_codes import all_codes
from streams.lifecycle import Group, states_of


class UsageFilter(NamedTuple):
    """Days are the tenant's local ones, both ends included."""

    tenant: str | None = None
    since: date | None = None
    until: date | None = None
    sender: str | None = None
    branch: str | None = None
    kind: str | None = None
    state: str | None = None


class UsageReport(NamedTuple):
    rows: tuple[UsageRow, ...]
    messages: int
    segments: int
    requested: int
    """Messages that were requested, or started by Sayso with a decision."""
    by_state: dict[str, int]
    """The same messages by state."""


_CONDITIONS: Final = {
    "tenant": "tenant = ?",
    "since": "period >= ?",
    "until": "period <= ?",
    "sender": "sender = ?",
    "branch": "branch = ?",
    "kind": "kind = ?",
    "state": "state = ?",
    "first": "month >= ?",
    "after": "month < ?",
}
HAS_MESSAGES: Final = "messages <> 0"
_OF_TENANT: Final = "(?1 IS NULL OR tenant = ?1)"


def read_usage(ledger: Ledger, wanted: UsageFilter | None = None) -> UsageReport:
    wanted = wanted or UsageFilter()
    rows = read_usage_rows(ledger, wanted)
    return UsageReport(
        rows,
        sum(row.messages for row in rows),
        sum(row.segments for row in rows),
        count_requested(ledger, wanted.tenant),
        count_by_state(ledger, wanted.tenant),
    )


def read_usage_rows(
    ledger: Ledger, wanted: UsageFilter, branches: Collection[str] | None = None
) -> tuple[UsageRow, ...]:
    """`branches`: only these."""
    where, values = write_where(wanted, branches)
    sql = f"SELECT json FROM usage WHERE {HAS_MESSAGES} AND {where} ORDER BY identity"
    found = ledger.rows(sql, *values)
    return tuple(UsageRow.model_validate_json(row["json"]) for row in found)


def write_where(
    wanted: UsageFilter, branches: Collection[str] | None, months: Months | None = None
) -> tuple[str, list[str]]:
    """The condition, and its values."""
    parts, values = ["1 = 1"], list[str]()
    asked = wanted._asdict() | (months._asdict() if months else {})
    for name, value in asked.items():
        if value is not None:
            parts.append(_CONDITIONS[name])
            values.append(str(value))
    if branches is not None:
        parts.append(f"branch IN ({', '.join('?' * len(branches))})")
        values += sorted(branches)
    return " AND ".join(parts), values


def count_requested(ledger: Ledger, tenant: str | None = None) -> int:
    """Count identities, however often each was published, but none in test mode.

    A request for a person has the same identity at the gate, and one more for each further number
    that it moved to. Messages that Sayso started itself are included: they begin with a decision.
    """
    sql = """SELECT count(*) AS n FROM (
        SELECT tenant, message_id FROM requests WHERE ?1 IS NULL OR tenant = ?1
        UNION SELECT tenant, message_id FROM person_requests WHERE ?1 IS NULL OR tenant = ?1
        UNION SELECT tenant, message_id FROM decisions WHERE ?1 IS NULL OR tenant = ?1) x"""
    return int(ledger.rows(sql, tenant)[0]["n"]) - sum(count_tests(ledger, tenant).values())


def count_tests(ledger: Ledger, tenant: str | None = None) -> dict[str, int]:
    """Messages in test mode, by state."""
    sql = f"""SELECT state AS name, count(*) AS n FROM outcomes
        WHERE test_mode IS NOT NULL AND test_mode = 1 AND {_OF_TENANT} GROUP BY 1 ORDER BY 1"""
    return _counts(ledger, sql, tenant)


def count_system_messages(ledger: Ledger, tenant: str | None = None) -> int:
    """Texts that Sayso started itself, such as opt-in requests."""
    kinds = ", ".join(f"'{kind}'" for kind in SystemKind)
    sql = f"""SELECT count(*) AS n FROM (SELECT DISTINCT tenant, message_id FROM decisions
        WHERE kind IN ({kinds}) AND {_OF_TENANT}) x"""
    return int(ledger.rows(sql, tenant)[0]["n"])


def count_by_state(ledger: Ledger, tenant: str | None = None) -> dict[str, int]:
    sql = f"""SELECT state AS name, sum(count) AS n FROM facets WHERE {_OF_TENANT}
        GROUP BY 1 HAVING sum(count) > 0 ORDER BY 1"""
    counts = _counts(ledger, sql, tenant)
    for state, tests in count_tests(ledger, tenant).items():
        counts[state] = counts.get(state, 0) - tests
    return {state: n for state, n in counts.items() if n > 0}


def count_by_verdict(ledger: Ledger, tenant: str | None = None) -> dict[str, int]:
    """Messages by the verdict of their last decision."""
    sql = f"""SELECT verdict AS name, count(*) AS n FROM
        (SELECT verdict, row_number() OVER (PARTITION BY tenant, message_id ORDER BY seq DESC)
            AS place FROM decisions WHERE {_OF_TENANT}) x
        WHERE place = 1 GROUP BY 1 ORDER BY 1"""
    return _counts(ledger, sql, tenant)


def count_codes(ledger: Ledger) -> dict[str, int]:
    """Messages by the error code that they have now, most frequent first."""
    sql = """SELECT code AS name, sum(count) AS n FROM facets WHERE code <> ''
        GROUP BY 1 HAVING sum(count) > 0 ORDER BY n DESC, name"""
    return _counts(ledger, sql)


def count_unexplained_codes(ledger: Ledger) -> dict[str, int]:
    """Of these, the codes that our catalogue does not have. The number to watch, and to raise an
    alarm on."""
    return {
        code: messages for code, messages in count_codes(ledger).items() if code not in all_codes()
    }


def _counts(ledger: Ledger, sql: str, *values: Any) -> dict[str, int]:
    return {str(row["name"]): int(row["n"]) for row in ledger.rows(sql, *values)}


# Segment audit: what the provider bills against what we predicted.


class SegmentTotals(NamedTuple):
    out: int
    """Messages that are out."""
    counted: int
    """Of these, messages of which the provider has reported the segments."""
    predicted: int
    billed: int
    differ: int
    """Messages of which the two counts differ."""
    contradicted: int
    """Messages of which two reports cannot both be true."""


class SegmentDifference(NamedTuple):
    tenant: str
    message_id: str
    sender: str
    predicted: int
    billed: int


class Contradiction(NamedTuple):
    tenant: str
    message_id: str
    state: str
    beside: tuple[str, ...]


_PREDICTED: Final = "CAST(json_extract(json, '$.segments_predicted') AS INTEGER)"
_BILLED: Final = "CAST(json_extract(json, '$.segments_billed') AS INTEGER)"
_IS_CONTRADICTED: Final = "json_array_length(json, '$.contradictions') > 0"
_OUT: Final = ", ".join(f"'{state}'" for state in states_of(Group.OUT))


def total_segments(ledger: Ledger, tenant: str | None = None) -> SegmentTotals:
    sql = f"""SELECT count(*) AS outs, count({_BILLED}) AS counted,
        coalesce(sum(CASE WHEN {_BILLED} IS NOT NULL THEN {_PREDICTED} END), 0) AS predicted,
        coalesce(sum({_BILLED}), 0) AS billed,
        count(CASE WHEN {_BILLED} <> {_PREDICTED} THEN 1 END) AS differ,
        count(CASE WHEN {_IS_CONTRADICTED} THEN 1 END) AS contradicted
        FROM outcomes WHERE {_OF_TENANT} AND state IN ({_OUT})"""
    [row] = ledger.rows(sql, tenant)
    return SegmentTotals(*tuple(row))


def list_differences(ledger: Ledger, tenant: str | None = None) -> Iterator[SegmentDifference]:
    """Newest first. A caller who does not want all of them closes the iterator."""
    sql = f"""SELECT tenant, message_id, coalesce(sender, '') AS sender, {_PREDICTED} AS predicted,
        {_BILLED} AS billed
        FROM outcomes WHERE {_OF_TENANT} AND {_BILLED} <> {_PREDICTED}
        ORDER BY at_ms DESC, identity"""
    return (SegmentDifference(*tuple(row)) for row in ledger.each(sql, tenant))


def list_contradictions(ledger: Ledger, tenant: str | None = None) -> Iterator[Contradiction]:
    """Newest first."""
    sql = f"""SELECT tenant, message_id, state, json_extract(json, '$.contradictions') AS beside
        FROM outcomes WHERE {_OF_TENANT} AND {_IS_CONTRADICTED}
        ORDER BY at_ms DESC, identity"""
    for row in ledger.each(sql, tenant):
        beside = tuple(json.loads(row["beside"]))
        yield Contradiction(row["tenant"], row["message_id"], row["state"], beside)
