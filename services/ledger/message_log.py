"""The message log: every message of a period and what became of it, one line each."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from datetime import UTC, date, tzinfo
from heapq import merge
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from services.ledger.ledger import Ledger
from services.ledger.times import ENDLESS, add_days, midnight_ms, parse_time, rfc3339
from streams.lifecycle import STATE_INFO, State
from streams.usage.measure import local_day


class Period(NamedTuple):
    """Days on which messages were requested, by the tenant's local time, both ends included. None:
    no limit."""

    since: date | None = None
    until: date | None = None
    tenant: str | None = None


class LogLine(NamedTuple):
    requested_at: str
    """RFC 3339, UTC."""
    tenant: str
    day: str
    """The tenant's local day."""
    branch: str
    sender: str
    to: str
    kind: str
    message_id: str
    state: str
    """Empty until the message has an outcome."""
    code: str
    description: str
    """The meaning of the code, or else of the state."""
    segments: int


_IN_PERIOD: Final = "tenant = ?1 AND requested_ms >= ?2 AND requested_ms < ?3"
_WITH_OUTCOME: Final = f"""SELECT requested_ms, message_id, json FROM outcomes WHERE {_IN_PERIOD}
    ORDER BY requested_ms, rowid"""
_REQUESTED: Final = " UNION ALL ".join(
    f"""SELECT requested_ms, message_id, json, {place} AS stage FROM {table} x WHERE {_IN_PERIOD}
        AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.identity = ?1 || '/' || x.message_id)"""
    for place, table in enumerate(("requests", "person_requests", "decisions"))
)
# The index has all that this looks at, and few rows are left: SQLite sorts them before it returns
# the first.
_WITHOUT_OUTCOME: Final = f"""SELECT requested_ms, message_id, json FROM (SELECT x.*,
        row_number() OVER (PARTITION BY message_id ORDER BY requested_ms, stage) AS place
    FROM ({_REQUESTED}) x) y WHERE place = 1 ORDER BY requested_ms, message_id"""


def list_messages(ledger: Ledger, period: Period) -> Generator[LogLine, None, None]:
    """Tenant by tenant, oldest first. A generator, because there may be millions."""
    for tenant, zone in _tenants(ledger, period):
        span = _span_ms(period, zone)
        both = [
            _lines(ledger, sql, tenant, zone, span) for sql in (_WITH_OUTCOME, _WITHOUT_OUTCOME)
        ]
        yield from (line for _, line in merge(*both, key=lambda one: one[0]))


def count_messages(ledger: Ledger, period: Period) -> int:
    """Counts messages with an outcome: a new message has none for a moment only."""
    sql = f"SELECT count(*) AS n FROM outcomes WHERE {_IN_PERIOD}"
    return sum(
        int(ledger.rows(sql, tenant, *_span_ms(period, zone))[0]["n"])
        for tenant, zone in _tenants(ledger, period)
    )


def _lines(
    ledger: Ledger, sql: str, tenant: str, zone: tzinfo, span: tuple[int, int]
) -> Iterator[tuple[int, LogLine]]:
    for row in ledger.each(sql, tenant, *span):
        line = _line(tenant, row["message_id"], json.loads(row["json"]), zone)
        yield row["requested_ms"], line


def _line(tenant: str, message_id: str, message: dict[str, Any], zone: tzinfo) -> LogLine:
    """`message`: the outcome, or else the request or the decision."""
    state = message.get("state", "")
    at = parse_time(message["requested_at"])
    meaning = STATE_INFO[State(state)].description if state in set(State) else "not judged yet"
    return LogLine(
        requested_at=rfc3339(at),
        tenant=tenant,
        day=local_day(at, zone).isoformat(),
        branch=message.get("branch") or "",
        sender=message.get("sender") or "",
        to=message.get("to") or "",
        kind=message.get("kind", ""),
        message_id=message_id,
        state=state,
        code=message.get("error_code") or "",
        description=message.get("error_title") or meaning,
        segments=message.get("segments", 0),
    )


def _tenants(ledger: Ledger, period: Period) -> list[tuple[str, tzinfo]]:
    sql = "SELECT tenant, json_extract(json, '$.time_zone') AS zone FROM tenants"
    zones = {row["tenant"]: row["zone"] for row in ledger.rows(sql)}
    if period.tenant is not None:
        return [(period.tenant, _zone(zones.get(period.tenant)))]
    sql = " UNION ".join(
        f"SELECT tenant FROM {table}" for table in ("outcomes", "requests", "person_requests")
    )
    found = sorted(row["tenant"] for row in ledger.rows(sql))
    return [(tenant, _zone(zones.get(tenant))) for tenant in found]


def _zone(name: str | None) -> tzinfo:
    return ZoneInfo(name) if name else UTC


def _span_ms(period: Period, zone: tzinfo) -> tuple[int, int]:
    """From the first midnight to the one after the last day."""
    first = midnight_ms(period.since, zone) if period.since else -ENDLESS
    after = add_days(period.until, 1) if period.until else None
    return first, midnight_ms(after, zone) if after else ENDLESS
