"""Where the provider bills other than we had predicted, and where what it reports contradicts itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from services.ledger.ledger import Ledger
from streams.lifecycle import Group, states_of


class Checked(NamedTuple):
    """Messages that are out: how many the provider has counted, and the segments of these by both counts.
    `differ`: those where they are not the same; `contradicted`: those of which two reports cannot both be true."""

    out: int
    counted: int
    predicted: int
    billed: int
    differ: int
    contradicted: int


class Differs(NamedTuple):
    tenant: str
    message_id: str
    sender: str
    predicted: int
    billed: int


class Contradicted(NamedTuple):
    tenant: str
    message_id: str
    state: str
    beside: tuple[str, ...]


_PREDICTED: Final = "json_extract(json, '$.segments_predicted')"
_BILLED: Final = "json_extract(json, '$.segments_billed')"
_BESIDE: Final = "json_array_length(json, '$.contradictions') > 0"
_OUT: Final = ", ".join(f"'{state}'" for state in states_of(Group.OUT))
_OF: Final = "(?1 IS NULL OR tenant = ?1)"


def checked(ledger: Ledger, tenant: str | None = None) -> Checked:
    sql = f"""SELECT count(*) AS outs, count({_BILLED}) AS counted,
        coalesce(sum(CASE WHEN {_BILLED} IS NOT NULL THEN {_PREDICTED} END), 0) AS predicted,
        coalesce(sum({_BILLED}), 0) AS billed, coalesce(sum({_BILLED} <> {_PREDICTED}), 0) AS differ,
        coalesce(sum({_BESIDE}), 0) AS contradicted
        FROM outcomes WHERE {_OF} AND state IN ({_OUT})"""
    [row] = ledger.rows(sql, tenant)
    return Checked(*tuple(row))


def differing(ledger: Ledger, tenant: str | None = None) -> Iterator[Differs]:
    """Newest first.  Who does not want all of it closes it."""
    sql = f"""SELECT tenant, message_id, coalesce(sender, '') AS sender, {_PREDICTED} AS predicted, {_BILLED} AS billed
        FROM outcomes WHERE {_OF} AND {_BILLED} <> {_PREDICTED} ORDER BY at_ms DESC"""
    return (Differs(*tuple(row)) for row in ledger.each(sql, tenant))


def contradicted(ledger: Ledger, tenant: str | None = None) -> Iterator[Contradicted]:
    """Newest first."""
    sql = f"""SELECT tenant, message_id, state, json_extract(json, '$.contradictions') AS beside FROM outcomes
        WHERE {_OF} AND {_BESIDE} ORDER BY at_ms DESC"""
    for row in ledger.each(sql, tenant):
        yield Contradicted(
            row["tenant"], row["message_id"], row["state"], tuple(json.loads(row["beside"]))
        )
