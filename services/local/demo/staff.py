"""What staff do once the rest is done: approve one text, reject another, and mend one that failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.approval import Approval
from schemas.person import NumberChange, PersonAction, PersonEvent, PersonRequest
from schemas.send_request import SendRequest
from schemas.topics import APPROVALS, PERSON_EVENTS, PERSON_REQUESTS, SEND_REQUESTS
from services.kafka.publisher import Publisher
from services.ledger import Ledger
from services.ledger.mailbox import MailboxFilter, MailboxItem, find_messages
from services.local.demo.cast import Cast
from services.operations.approvals import WaitingText, build_approvals
from services.operations.resend_plan import Resend, plan_resend
from streams.lifecycle import State
from streams.mailboxes import Box

BY: Final = "dana"
BRANCH: Final = "appeals"
"""The sample's branch that sees its texts first."""

REVIEWED: Final = (
    "Your appeal is heard on Tuesday at 9, room 4. Please bring your papers.",
    "Your appeal is heard on Tusday at 9, room 4. Plese bring you papers.",
)
CLIENT: Final = "Your documents are ready to sign. Call us when you can come by."


class Act(NamedTuple):
    """`reviewed`: one to approve, one to reject.  `client`: to somebody whose number on file is wrong; `right` is
    theirs."""

    met: PersonEvent
    reviewed: tuple[SendRequest, SendRequest]
    client: PersonRequest
    right: str


class Played(NamedTuple):
    """Ids of what was approved, rejected, failed, and asked for again.  `resent` is empty where nothing failed in
    time."""

    approved: str
    rejected: str
    failed: str
    resent: str = ""

    @property
    def identities(self) -> set[str]:
        return {self.approved, self.rejected, self.failed, self.resent} - {""}


def act(asked: Cast, tenant: str, prefix: str, now: datetime) -> Act:
    wrong, right = asked.clients
    shared: dict[str, Any] = {"tenant": tenant, "requested_at": now, "requested_by": "demo"}
    first, second = (
        SendRequest(
            message_id=f"{prefix}-appeal-{n}",
            to=right.number,
            branch=BRANCH,
            body=body,
            kind="reminder",
            **shared,
        )
        for n, body in enumerate(REVIEWED, 1)
    )
    person = f"{prefix}-jo"
    met = PersonEvent(
        event_id=f"{prefix}-met",
        tenant=tenant,
        person_id=person,
        action=PersonAction.UPSERT,
        name="Jo Bell",
        numbers=(NumberChange(number=wrong.number, primary=True),),
        at=now,
    )
    client = PersonRequest(
        message_id=f"{prefix}-client", person_id=person, body=CLIENT, kind="direct", **shared
    )
    return Act(met, (first, second), client, right.number)


async def play(
    plan: Act, publisher: Publisher, ledger: Ledger, look: Callable[[], object], patience: float
) -> Played:
    """`look` is called several times a second."""
    first, second = plan.reviewed
    ids = (first.message_id, second.message_id, plan.client.message_id)
    await publisher.publish(PERSON_EVENTS, plan.met)
    await publisher.publish_all(SEND_REQUESTS, plan.reviewed)
    await publisher.publish(PERSON_REQUESTS, plan.client)
    found = await _seen(ledger, plan.client.tenant, ids, look, patience)
    said = [
        _said(action, found[request.message_id], request)
        for action, request in (("approve", first), ("reject", second))
        if request.message_id in found
    ]
    await publisher.publish_all(APPROVALS, said)
    played = Played(*ids)
    if plan.client.message_id not in found:
        return played
    once_more = plan_resend(
        ledger, found[plan.client.message_id], plan.right, BY, datetime.now(UTC)
    )
    if not isinstance(once_more, Resend) or once_more.event is None:
        return played
    await publisher.publish(PERSON_EVENTS, once_more.event)
    assert isinstance(once_more.request, PersonRequest)
    await publisher.publish(PERSON_REQUESTS, once_more.request)
    return played._replace(resent=once_more.request.message_id)


def _said(action: str, item: MailboxItem, request: SendRequest) -> Approval:
    """By the text as it is on record, as on any screen."""
    (approval,) = build_approvals(action, [WaitingText(item, request.body)], BY, datetime.now(UTC))
    return approval


async def _seen(
    ledger: Ledger, tenant: str, ids: tuple[str, ...], look: Callable[[], object], patience: float
) -> dict[str, MailboxItem]:
    """Those that have come to where staff find them: ready to approve, or failed."""
    deadline = time.monotonic() + patience
    while True:
        look()
        items = find_messages(
            ledger, MailboxFilter(tenant, ids=ids), datetime.now(UTC) + timedelta(seconds=1)
        )
        found = {
            one.message_id: one
            for one in items
            if one.box is Box.READY or one.state is State.UNDELIVERED
        }
        if len(found) == len(ids) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.25)
