"""Select the messages that an operation is about: named ones, or all in a mailbox that match."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from services.ledger import Ledger
from services.ledger.mailbox import MailboxFilter, MailboxItem, find_messages, list_mailbox
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.validation import require_order
from streams.mailboxes import Box


class Selection(NamedTuple):
    """A filter that is not given matches all.  `everything` says that no filter is meant."""

    ids: list[str] | None
    tenant: str | None
    branch: str | None = None
    person: str | None = None
    code: str | None = None
    since: date | None = None
    until: date | None = None
    everything: bool = False

    @property
    def has_filters(self) -> bool:
        return any((self.branch, self.person, self.code, self.since, self.until))


def select_messages(
    ledger: Ledger, selection: Selection, boxes: tuple[Box, ...], now: datetime
) -> list[MailboxItem]:
    """Oldest first.  Raises OperationError for no selection, or for an unknown message."""
    if selection.ids:
        if selection.has_filters or selection.everything:
            raise InvalidRequest("Name messages, or say which with options, not both")
        items = list(
            find_messages(ledger, MailboxFilter(selection.tenant, ids=tuple(selection.ids)), now)
        )
        names = dict.fromkeys(selection.ids)
        return [_find_named(ledger, items, name, selection.tenant) for name in names]
    require_order(selection.since, selection.until, ("--since", "--until"))
    if not (selection.has_filters or selection.everything):
        raise InvalidRequest(
            "Name the messages, or say which with --branch, --person, --since, --until or --all"
        )
    wanted = MailboxFilter(
        selection.tenant,
        selection.branch,
        selection.person,
        selection.code,
        selection.since,
        selection.until,
    )
    return [item for box in boxes for item in list_mailbox(ledger, box, wanted, now)][::-1]


def _find_named(
    ledger: Ledger, items: list[MailboxItem], name: str, tenant: str | None
) -> MailboxItem:
    found = [item for item in items if item.message_id == name]
    if not found and _is_requested(ledger, name, tenant):
        raise OperationFailed(
            f"{name} is not judged yet", "try again in a moment; if it stays so, see sayso lag"
        )
    if not found:
        raise InvalidRequest(
            f"No message {name!r} is on record" + (f" at {tenant}" if tenant else "")
        )
    if len(found) > 1:
        tenants = ", ".join(sorted(item.tenant for item in found))
        raise InvalidRequest(f"{tenants} each have a message {name!r}", "say which with --tenant")
    return found[0]


def _is_requested(ledger: Ledger, name: str, tenant: str | None) -> bool:
    sql = "SELECT 1 FROM requests WHERE message_id = ? AND tenant = coalesce(?, tenant) LIMIT 1"
    return bool(ledger.rows(sql, name, tenant))
