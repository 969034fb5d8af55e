"""What staff do once the rest is done: approve one text, reject another, repair one that failed."""

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
from services.local.demo.fixtures import Fixtures
from services.operations.approvals import WaitingText, build_approvals
from services.operations.resend_plan import Resend, plan_resend
from streams.lifecycle import State
from streams.mailboxes import Box

ACTOR: Final = "dana"
BRANCH: Final = "appeals"
"""The sample's branch whose texts need an approval."""

REVIEWED: Final = (
    "Your appeal is heard on Tuesday at 9, room 4. Please bring your papers.",
    "Your appeal is heard on Tusday at 9, room 4. Plese bring you papers.",
)
TO_CLIENT: Final = "Your documents are ready to sign. Call us when you can come by."


class StaffPlan(NamedTuple):
    person: PersonEvent
    """Puts the client on record, with the wrong number."""
    reviewed: tuple[SendRequest, SendRequest]
    """One to approve, one to reject."""
    to_client: PersonRequest
    right_number: str
    """The client's own."""


class StaffActions(NamedTuple):
    """The message ids of what staff acted on."""

    approved: str
    rejected: str
    failed: str
    resent: str = ""
    """Empty if nothing failed in time."""

    @property
    def identities(self) -> set[str]:
        return {self.approved, self.rejected, self.failed, self.resent} - {""}


def plan_actions(fixtures: Fixtures, tenant: str, prefix: str, now: datetime) -> StaffPlan:
    wrong, right = fixtures.clients
    common: dict[str, Any] = {"tenant": tenant, "requested_at": now, "requested_by": "demo"}
    first, second = (
        SendRequest(
            message_id=f"{prefix}-appeal-{n}",
            to=right.number,
            branch=BRANCH,
            body=body,
            kind="reminder",
            **common,
        )
        for n, body in enumerate(REVIEWED, 1)
    )
    person_id = f"{prefix}-jo"
    person = PersonEvent(
        event_id=f"{prefix}-met",
        tenant=tenant,
        person_id=person_id,
        action=PersonAction.UPSERT,
        name="Jo Bell",
        numbers=(NumberChange(number=wrong.number, primary=True),),
        at=now,
    )
    to_client = PersonRequest(
        message_id=f"{prefix}-client", person_id=person_id, body=TO_CLIENT, kind="direct", **common
    )
    return StaffPlan(person, (first, second), to_client, right.number)


async def perform_actions(
    plan: StaffPlan,
    publisher: Publisher,
    ledger: Ledger,
    refresh: Callable[[], object],
    patience: float,
) -> StaffActions:
    """`refresh` is called several times a second."""
    first, second = plan.reviewed
    ids = (first.message_id, second.message_id, plan.to_client.message_id)
    await publisher.publish(PERSON_EVENTS, plan.person)
    await publisher.publish_all(SEND_REQUESTS, plan.reviewed)
    await publisher.publish(PERSON_REQUESTS, plan.to_client)
    items = await _wait_for_items(ledger, plan.to_client.tenant, ids, refresh, patience)
    approvals = [
        _build_approval(action, items[request.message_id], request)
        for action, request in (("approve", first), ("reject", second))
        if request.message_id in items
    ]
    await publisher.publish_all(APPROVALS, approvals)
    actions = StaffActions(*ids)
    failed = items.get(plan.to_client.message_id)
    if failed is None:
        return actions
    resend = plan_resend(ledger, failed, plan.right_number, ACTOR, datetime.now(UTC))
    if not isinstance(resend, Resend) or resend.event is None:
        return actions
    await publisher.publish(PERSON_EVENTS, resend.event)
    assert isinstance(resend.request, PersonRequest)
    await publisher.publish(PERSON_REQUESTS, resend.request)
    return actions._replace(resent=resend.request.message_id)


def _build_approval(action: str, item: MailboxItem, request: SendRequest) -> Approval:
    """By the body that is on record, as on any screen."""
    text = WaitingText(item, request.body)
    (approval,) = build_approvals(action, [text.seen], ACTOR, datetime.now(UTC))
    return approval


async def _wait_for_items(
    ledger: Ledger,
    tenant: str,
    ids: tuple[str, ...],
    refresh: Callable[[], object],
    patience: float,
) -> dict[str, MailboxItem]:
    """Those that have come to where staff find them: ready to approve, or failed."""
    deadline = time.monotonic() + patience
    while True:
        refresh()
        soon = datetime.now(UTC) + timedelta(seconds=1)
        found = {
            item.message_id: item
            for item in find_messages(ledger, MailboxFilter(tenant, ids=ids), soon)
            if item.box is Box.READY or item.state is State.UNDELIVERED
        }
        if len(found) == len(ids) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.25)
