"""Dismiss failed texts: somebody has looked at them, and nothing more is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from schemas.send_request import Dismissal
from schemas.topics import DISMISSALS
from services.ledger import Ledger
from services.ledger.mailbox import MailboxItem
from services.operations.errors import OperationFailed
from services.operations.selection import Selection, select_messages
from services.operations.session import Session
from services.operations.validation import build_message
from streams.mailboxes import FAILED_AFTER, FAILED_BEFORE, Box


def select_failed(ledger: Ledger, selection: Selection, now: datetime) -> list[MailboxItem]:
    """Raises OperationError where nothing that is selected has failed, or a named one has not."""
    items = select_messages(ledger, selection, (Box.SENTBOX, Box.OUTBOX), now)
    failed = [item for item in items if item.state in FAILED_BEFORE | FAILED_AFTER]
    if selection.ids and (others := [item for item in items if item not in failed]):
        raise OperationFailed(
            f"{others[0].message_id} is {others[0].state}", "only what has failed can be dismissed"
        )
    if not failed:
        raise OperationFailed("Nothing that matches has failed")
    return failed


def build_dismissals(items: Sequence[MailboxItem], by: str, now: datetime) -> list[Dismissal]:
    """Raises InvalidRequest."""
    return [
        build_message(Dismissal, tenant=one.tenant, message_id=one.message_id, by=by, at=now)
        for one in items
    ]


async def dismiss(kafka: Session, dismissals: Sequence[Dismissal]) -> None:
    """Raises OperationError."""
    await kafka.publish(DISMISSALS, dismissals)
