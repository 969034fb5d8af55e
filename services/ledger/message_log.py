"""The message log: every message created in a period, and what became of it, one by one."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from datetime import UTC, date, tzinfo
from heapq import merge
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from services.ledger.days import ENDLESS, later, midnight, moment, rfc3339
from services.ledger.ledger import Ledger
from streams.lifecycle import MEANINGS, State
from streams.usage.measure import local_day


class Period(NamedTuple):
    """Days are the tenant's local ones, of when a message was requested, both ends included; None: open."""

    since: date | None = None
    until: date | None = None
    tenant: str | None = None


class Line(NamedTuple):
    """`requested_at`: RFC 3339, UTC; `day` the tenant's.  `state` is empty where nothing was judged yet.
    `description`: what the code means, else what the state does."""

    requested_at: str
    tenant: str
    day: str
    branch: str
    sender: str
    to: str
    kind: str
    message_id: str
    state: str
    code: str
    description: str
    segments: int


_IN: Final = "tenant = ?1 AND requested_ms >= ?2 AND requested_ms < ?3"
_JUDGED: Final = (
    f"SELECT requested_ms, message_id, json FROM outcomes WHERE {_IN} ORDER BY requested_ms"
)
_ASKED: Final = " UNION ALL ".join(
    f"""SELECT requested_ms, message_id, json FROM {table} x WHERE {_IN}
        AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.identity = ?1 || '/' || x.message_id)"""
    for table in ("requests", "person_requests", "decisions")
)
_UNJUDGED: Final = f"""SELECT min(requested_ms) AS requested_ms, message_id, json FROM ({_ASKED})
    GROUP BY message_id ORDER BY 1"""
"""What is looked at is in the index, and few are left: they are known before the first line is told."""


def created(ledger: Ledger, period: Period) -> Generator[Line, None, None]:
    """Tenant by tenant, oldest first, row by row: there may be millions."""
    for tenant, zone in _tenants(ledger, period):
        span = _span(period, zone)
        lists = [_lines(ledger, sql, tenant, zone, span) for sql in (_JUDGED, _UNJUDGED)]
        yield from (line for _, line in merge(*lists, key=lambda one: one[0]))


def how_many(ledger: Ledger, period: Period) -> int:
    """Of those with an outcome, which is all of them but for a moment."""
    found = 0
    for tenant, zone in _tenants(ledger, period):
        sql = f"SELECT count(*) AS n FROM outcomes WHERE {_IN}"
        found += int(ledger.rows(sql, tenant, *_span(period, zone))[0]["n"])
    return found


def _lines(
    ledger: Ledger, sql: str, tenant: str, zone: tzinfo, span: tuple[int, int]
) -> Iterator[tuple[int, Line]]:
    for row in ledger.each(sql, tenant, *span):
        yield row["requested_ms"], _line(tenant, row["message_id"], json.loads(row["json"]), zone)


def _line(tenant: str, message_id: str, said: dict[str, Any], zone: tzinfo) -> Line:
    state, at = said.get("state", ""), moment(said["requested_at"])
    means = MEANINGS[State(state)].words if state in set(State) else "not judged yet"
    return Line(
        requested_at=rfc3339(at),
        tenant=tenant,
        day=local_day(at, zone).isoformat(),
        branch=said.get("branch") or "",
        sender=said.get("sender") or "",
        to=said.get("to") or "",
        kind=said.get("kind", ""),
        message_id=message_id,
        state=state,
        code=said.get("error_code") or "",
        description=said.get("error_title") or means,
        segments=said.get("segments", 0),
    )


def _tenants(ledger: Ledger, period: Period) -> list[tuple[str, tzinfo]]:
    zones = "SELECT tenant, json_extract(json, '$.time_zone') AS zone FROM tenants"
    known = {row["tenant"]: row["zone"] for row in ledger.rows(zones)}
    if period.tenant is not None:
        return [(period.tenant, _zone(known.get(period.tenant)))]
    sql = " UNION ".join(
        f"SELECT tenant FROM {table}" for table in ("outcomes", "requests", "person_requests")
    )
    return [(row["tenant"], _zone(known.get(row["tenant"]))) for row in ledger.rows(sql)]


def _zone(name: str | None) -> tzinfo:
    return ZoneInfo(name) if name else UTC


def _span(period: Period, zone: tzinfo) -> tuple[int, int]:
    """Milliseconds since 1970: from the first midnight to the one after the last day."""
    after = later(period.until, 1) if period.until else None
    first = midnight(period.since, zone) if period.since else -ENDLESS
    return first, midnight(after, zone) if after else ENDLESS
