"""What staff have in front of them: the mailboxes, as `streams.mailboxes` defines them, and the
open alerts."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from schemas.outcome import Alert, Urgency
from schemas.topics import A_MONTH
from services.ledger.ledger import Ledger
from services.ledger.message_items import MailboxItem, find_items
from services.ledger.message_pages import MessageFilter, read_messages
from services.ledger.paging import MOST_ROWS
from services.ledger.scope import EVERYTHING
from streams.alert_words import urgency
from streams.mailboxes import Box

__all__ = ["MailboxFilter", "MailboxItem", "alert_to_json", "find_messages", "list_mailbox"]


class MailboxFilter(NamedTuple):
    """Days on which messages were requested, by the tenant's local time, both ends included."""

    tenant: str | None = None
    branch: str | None = None
    person: str | None = None
    code: str | None = None
    since: date | None = None
    until: date | None = None
    ids: tuple[str, ...] = ()
    """Only these messages."""


def list_mailbox(
    ledger: Ledger, box: Box, wanted: MailboxFilter, now: datetime, *, attention: bool | None = None
) -> Generator[MailboxItem, None, None]:
    """Newest first. A caller who does not want all of them closes the generator."""
    matching = MessageFilter(
        EVERYTHING.narrow(wanted.tenant),
        box,
        attention,
        codes=_given(wanted.code),
        branches=_given(wanted.branch),
        person=wanted.person,
        since=wanted.since,
        until=wanted.until,
    )
    page = read_messages(ledger, matching, now, limit=MOST_ROWS)
    yield from page.rows
    while page.cursor:
        page = read_messages(ledger, matching, now, cursor=page.cursor, limit=MOST_ROWS)
        yield from page.rows


def _given(value: str | None) -> frozenset[str]:
    return frozenset() if value is None else frozenset({value})


def find_messages(ledger: Ledger, wanted: MailboxFilter, now: datetime) -> tuple[MailboxItem, ...]:
    """The messages of `wanted.ids`, in whatever box they are."""
    return find_items(ledger, wanted.ids, now, wanted.tenant) if wanted.ids else ()


# Alerts: texts that mattered and have not arrived.


class CurrentAlert(NamedTuple):
    alert: Alert
    urgency: Urgency
    """As it is now. The record has the urgency at the time of the alert."""


_URGENCY_ORDER: Final = {Urgency.NOW: 0, Urgency.SOON: 1, Urgency.NORMAL: 2, Urgency.PASSED: 3}
_IS_OPEN: Final = """open = 1 AND at_ms > ?3
    AND NOT EXISTS (SELECT 1 FROM dismissals WHERE dismissals.identity = alerts.identity)"""
"""Neither closed nor dismissed, nor older than the topic's retention."""


def list_alerts(
    ledger: Ledger, now: datetime, tenant: str | None = None, *, closed: bool = False
) -> tuple[CurrentAlert, ...]:
    """The most urgent first. `closed`: also those that need no action any more."""
    sql = f"SELECT json FROM alerts WHERE (?1 = 1 OR {_IS_OPEN}) AND (?2 IS NULL OR tenant = ?2)"
    sql += " ORDER BY identity"
    oldest = (now - A_MONTH).timestamp() * 1000
    rows = ledger.rows(sql, closed, tenant, oldest)
    alerts = [Alert.model_validate_json(row["json"]) for row in rows]
    current = [CurrentAlert(one, urgency(one.before, one.event_at, now)) for one in alerts]
    return tuple(sorted(current, key=_by_urgency))


def find_open_alerts(
    ledger: Ledger, names: Sequence[str], tenant: str | None = None
) -> tuple[tuple[str, str], ...]:
    """Tenant and id of those texts that have an open alert.  A case has alerts of texts that it
    never asked for, and nobody else knows of them."""
    sql = """SELECT min(tenant) AS tenant, message_id FROM alerts WHERE open = 1
            AND message_id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR tenant = ?2)
        GROUP BY message_id HAVING count(*) = 1 ORDER BY message_id"""
    rows = ledger.rows(sql, json.dumps(list(names)), tenant)
    return tuple((row["tenant"], row["message_id"]) for row in rows)


def _by_urgency(current: CurrentAlert) -> tuple[int, datetime]:
    return _URGENCY_ORDER[current.urgency], current.alert.before or current.alert.at


def alert_to_json(current: CurrentAlert) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(current.alert.model_dump_json(exclude_none=True))
    return record | {"urgency": current.urgency}
