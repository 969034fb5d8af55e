"""What staff decide about a text: approve or reject it, or dismiss it after it failed.

An approval names the SHA-256 of the text that a person saw.  The gate refuses it if the text
has changed since."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.approval import Approval
from schemas.send_request import Dismissal
from schemas.text_hash import sha256_hex
from schemas.topics import APPROVALS, DISMISSALS
from services.ledger import Ledger
from services.ledger.mailbox import MailboxItem, find_open_alerts
from services.ledger.message_status import find_request
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.selection import Selection, select_messages
from services.operations.session import PATIENCE, Session
from services.operations.validation import build_message, new_id
from streams.mailboxes import FAILED_AFTER, FAILED_BEFORE, Box

NO_ANSWER: Final[dict[str, Any]] = {
    "applied": False,
    "rule": "no_answer",
    "reason": "The gate has not answered yet",
    "next_step": "look again in a moment: what it makes of it counts",
}
"""Stands for an answer that has not come in time."""


class SeenText(NamedTuple):
    """A message that waits for approval, and which text of it a person saw."""

    item: MailboxItem
    sha256: str


class WaitingText(NamedTuple):
    """A message that waits for approval, and its text."""

    item: MailboxItem
    body: str

    @property
    def seen(self) -> SeenText:
        """For a person to whom it is shown as it is here."""
        return SeenText(self.item, sha256_hex(self.body))


def read_waiting_text(ledger: Ledger, item: MailboxItem) -> WaitingText:
    """Raises InvalidRequest if nobody can approve it: its number or its text is not known."""
    if not item.number:
        raise InvalidRequest(f"{item.message_id} waits for a number first", "add one to the person")
    request = find_request(ledger, item.tenant, item.message_id)
    if request is None:
        raise InvalidRequest(
            f"The text of {item.message_id} is not on record (any more): nobody can say what it is"
        )
    return WaitingText(item, request.body)


def build_approvals(
    action: str, texts: Sequence[SeenText], by: str, now: datetime
) -> list[Approval]:
    """One approval, or rejection, for each text.

    Each carries the hash from when the text was shown: it may have changed since, and nobody
    approves what they have not seen.  Raises InvalidRequest."""
    batch = new_id("approval")
    return [
        build_message(
            Approval,
            approval_id=f"{batch}-{n}",
            tenant=text.item.tenant,
            number=text.item.number,
            message_id=text.item.message_id,
            action=action,
            by=by,
            at=now,
            body_sha256=text.sha256,
        )
        for n, text in enumerate(texts, 1)
    ]


async def submit_approvals(
    kafka: Session, ledger: Ledger, approvals: Sequence[Approval]
) -> list[dict[str, Any]]:
    """Publish the approvals and return the gate's answer to each, in their order.

    NO_ANSWER stands for an answer that has not come in time.  Raises OperationError."""
    if not approvals:
        return []
    await kafka.publish(APPROVALS, approvals)
    answers: list[dict[str, Any] | None] = [None] * len(approvals)

    def find_answers() -> bool | None:
        for at, approval in enumerate(approvals):
            answers[at] = answers[at] or _find_answer(ledger, approval)
        return None if None in answers else True

    await kafka.wait_for(ledger, find_answers, PATIENCE + len(approvals) / 100)
    return [answer or NO_ANSWER for answer in answers]


def _find_answer(ledger: Ledger, approval: Approval) -> dict[str, Any] | None:
    sql = "SELECT json FROM approval_log WHERE message_id = ? AND tenant = ? AND approval_id = ?"
    found = ledger.rows(sql, approval.message_id, approval.tenant, approval.approval_id)
    return dict(json.loads(found[0]["json"])) if found else None


class FailedText(NamedTuple):
    tenant: str
    message_id: str
    """Of a text that a case never requested: the text's own id, as its alert has it."""


def select_failed(ledger: Ledger, selection: Selection, now: datetime) -> list[FailedText]:
    """The selected messages that have failed, and named texts that have an open alert.

    Raises OperationError where there is none, or a named message has not failed."""
    names = tuple(selection.ids or ())
    alerted = [FailedText(*one) for one in find_open_alerts(ledger, names, selection.tenant)]
    others = [name for name in names if name not in {one.message_id for one in alerted}]
    if names and not others:
        return alerted
    found = _select_failed_messages(ledger, selection._replace(ids=others or None), now)
    return [*alerted, *(FailedText(one.tenant, one.message_id) for one in found)]


def _select_failed_messages(
    ledger: Ledger, selection: Selection, now: datetime
) -> list[MailboxItem]:
    items = select_messages(ledger, selection, (Box.SENTBOX, Box.OUTBOX), now)
    failed = [item for item in items if item.state in FAILED_BEFORE | FAILED_AFTER]
    if selection.ids and (others := [item for item in items if item not in failed]):
        raise OperationFailed(
            f"{others[0].message_id} is {others[0].state}", "only what has failed can be dismissed"
        )
    if not failed:
        raise OperationFailed("Nothing that matches has failed")
    return failed


def build_dismissals(items: Sequence[FailedText], by: str, now: datetime) -> list[Dismissal]:
    """One dismissal for each message.  Raises InvalidRequest."""
    return [
        build_message(Dismissal, tenant=one.tenant, message_id=one.message_id, by=by, at=now)
        for one in items
    ]


async def dismiss(kafka: Session, dismissals: Sequence[Dismissal]) -> None:
    """Publish the dismissals.  Raises OperationError."""
    await kafka.publish(DISMISSALS, dismissals)
