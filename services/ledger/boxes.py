"""The mailboxes, as `streams.mailboxes` defines them, over what the ledger holds."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.decision import Finding
from services.ledger.days import later
from services.ledger.ledger import Ledger
from streams.lifecycle import State
from streams.mailboxes import BOXES, Box, Standing, box_of, needs_attention
from streams.usage.measure import local_day


class Wanted(NamedTuple):
    """Days are the tenant's local ones, of when it was requested, both ends included.  `ids`: these messages alone."""

    tenant: str | None = None
    branch: str | None = None
    person: str | None = None
    code: str | None = None
    since: date | None = None
    until: date | None = None
    ids: tuple[str, ...] = ()


class Item(NamedTuple):
    """A message in its box; None: in none.  `findings` are those of its last decision."""

    tenant: str
    message_id: str
    box: Box | None
    attention: bool
    outcome: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        return f"{self.tenant}/{self.message_id}"

    @property
    def state(self) -> State:
        return State(self.outcome["state"])

    @property
    def number(self) -> str | None:
        return self.outcome.get("to")


_DECIDED: Final = ("held", "rejected", "expired")
"""States of which the last decision says more."""

_FIELDS: Final = {
    "tenant": "o.tenant = ?",
    "branch": "json_extract(o.json, '$.branch') = ?",
    "person": "json_extract(o.json, '$.person_id') = ?",
    "code": "o.error_code = ?",
}


def boxed(ledger: Ledger, box: Box, wanted: Wanted, now: datetime) -> Generator[Item, None, None]:
    """What is in the box, newest first.  Who does not want all of it closes it."""
    states = [state.value for state in State if BOXES.get(state) in _FROM[box]]
    state = "+o.state" if box is Box.SENTBOX else "o.state"
    for item in _items(ledger, states, wanted, now, state):
        if item.box is box:
            yield item


_FROM: Final = {Box.READY: {Box.OUTBOX}, Box.OUTBOX: {Box.OUTBOX}, Box.SENTBOX: {Box.SENTBOX}}
"""What is ready to be approved is held, and so of the states that the Outbox is made of."""


def messages(ledger: Ledger, wanted: Wanted, now: datetime) -> tuple[Item, ...]:
    """Those that are named by their ids, whatever box they are in."""
    return (
        tuple(_items(ledger, [state.value for state in State], wanted, now, "+o.state"))
        if wanted.ids
        else ()
    )


def _items(
    ledger: Ledger, states: list[str], wanted: Wanted, now: datetime, state: str
) -> Iterator[Item]:
    """`state`: with a plus the index of states is left alone, which serves where most messages have them."""
    where, values = _where(wanted)
    sql = f"""SELECT o.tenant, o.message_id, o.json,
        CASE WHEN o.state IN ({_marks(_DECIDED)}) THEN (SELECT d.json FROM decisions d
            WHERE d.message_id = o.message_id AND d.tenant = o.tenant ORDER BY d.seq DESC LIMIT 1) END AS decision,
        EXISTS (SELECT 1 FROM dismissals x WHERE x.identity = o.identity)
        OR EXISTS (SELECT 1 FROM requests r WHERE r.resend_of = o.message_id AND r.tenant = o.tenant)
        OR EXISTS (SELECT 1 FROM person_requests p WHERE p.resend_of = o.message_id AND p.tenant = o.tenant) AS settled
        FROM outcomes o WHERE {state} IN ({_marks(states)}) {where}
        ORDER BY o.at_ms DESC, o.rowid DESC"""
    zones = _zones(ledger)
    for row in ledger.each(sql, *_DECIDED, *states, *values):
        outcome = json.loads(row["json"])
        if _asked_within(wanted, outcome["requested_at"], zones.get(row["tenant"])):
            yield _item(
                row["tenant"],
                row["message_id"],
                outcome,
                row["decision"],
                bool(row["settled"]),
                now,
            )


def _item(
    tenant: str,
    message_id: str,
    outcome: dict[str, Any],
    decision: str | None,
    settled: bool,
    now: datetime,
) -> Item:
    told = json.loads(decision).get("findings", ()) if decision else ()
    findings = tuple(Finding.model_validate(one) for one in told)
    standing = Standing(State(outcome["state"]), findings, settled)
    return Item(
        tenant, message_id, box_of(standing, now), needs_attention(standing, now), outcome, findings
    )


def _where(wanted: Wanted) -> tuple[str, list[str]]:
    """A day anywhere begins and ends within one of UTC's: to the day it is looked at afterwards."""
    given = [
        (sql, value)
        for name, sql in _FIELDS.items()
        if (value := getattr(wanted, name)) is not None
    ]
    asked = "json_extract(o.json, '$.requested_at')"
    if wanted.since and (first := later(wanted.since, -1)):
        given.append((f"{asked} >= ?", first.isoformat()))
    if wanted.until and (last := later(wanted.until, 3)):
        given.append((f"{asked} < ?", last.isoformat()))
    if wanted.ids:
        given.append((_NAMED, json.dumps(wanted.ids)))
    return "".join(f" AND {sql}" for sql, _ in given), [value for _, value in given]


_NAMED: Final = """o.identity IN (SELECT d.tenant || '/' || d.message_id FROM decisions d
    WHERE d.message_id IN (SELECT value FROM json_each(?)))"""
"""Found by way of the decisions, which have an index of ids whoever's they are."""


def _marks(values: tuple[str, ...] | list[str]) -> str:
    return ", ".join("?" * len(values))


def _zones(ledger: Ledger) -> dict[str, ZoneInfo]:
    sql = "SELECT tenant, coalesce(json_extract(json, '$.time_zone'), 'UTC') AS zone FROM tenants"
    return {row["tenant"]: ZoneInfo(row["zone"]) for row in ledger.rows(sql)}


def _asked_within(wanted: Wanted, asked: str, zone: ZoneInfo | None) -> bool:
    if wanted.since is None and wanted.until is None:
        return True
    day = local_day(datetime.fromisoformat(asked), zone or UTC)
    return (wanted.since or day) <= day <= (wanted.until or day)
