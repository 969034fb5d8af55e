"""Settle a text in doubt: its call was cut off, and nobody knows whether it was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NamedTuple

from schemas.controls import Resolve
from schemas.topics import DISPATCH_CONTROLS
from services.ledger import Ledger
from services.ledger.message_status import InDoubtAttempt, find_statuses, list_in_doubt
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from streams.lifecycle import STATE_INFO, State

STAYS: Final = (
    "it stays in doubt and may not be sent again: it was canceled,"
    " or its number has said STOP since"
)
DROPPED: Final = {
    "unknown": "dropped: it is not sent again,"
    " and counts as unknown until the provider tells of it",
    "canceled": "dropped: the provider does not have it, so it counts as canceled",
}
Action = Literal["resend", "drop"]


class Settlement(NamedTuple):
    """What dispatch did.  `done` says whether it did what was asked."""

    state: str
    sentence: str
    done: bool


def find_in_doubt(ledger: Ledger, message_id: str, tenant: str | None) -> InDoubtAttempt:
    """Raises InvalidRequest where the message is unknown, not in doubt, or of several tenants."""
    found = list_in_doubt(ledger, tenant, message_id)
    if len(found) > 1:
        names = ", ".join(one.tenant for one in found)
        raise InvalidRequest(f"{names} each doubt a {message_id!r}", "say which with --tenant")
    if found:
        return found[0]
    known = find_statuses(ledger, message_id, tenant)
    if not known:
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"No message {message_id!r} is on record{at}")
    state = known[0].state or "not judged yet"
    raise InvalidRequest(f"{known[0].tenant}/{message_id} is not in doubt: it is {state}")


async def settle(
    kafka: Session, ledger: Ledger, message: InDoubtAttempt, action: Action, by: str, now: datetime
) -> Settlement:
    """Have dispatch send it again or drop it, and wait for its report.  Raises OperationError."""
    control = Resolve(
        sender=message.sender,
        tenant=message.tenant,
        message_id=message.message_id,
        attempt=message.attempt,
        action=action,
        by=by,
        at=now,
    )
    await kafka.publish(DISPATCH_CONTROLS, [control])
    settled = await kafka.wait_for(ledger, lambda: _read_settlement(ledger, message, action))
    if settled is None:
        raise OperationFailed(
            f"Asked to {action} it, and nobody has answered yet",
            "is dispatch's worker running? (sayso lag)",
        )
    return settled


def _read_settlement(ledger: Ledger, message: InDoubtAttempt, action: Action) -> Settlement | None:
    """None while dispatch has reported nothing since."""
    still = list_in_doubt(ledger, message.tenant, message.message_id)
    if still and still[0].attempt == message.attempt:
        return Settlement("in_doubt", STAYS, False) if still[0].reports > message.reports else None
    (now,) = find_statuses(ledger, message.message_id, message.tenant)
    if now.state == State.IN_DOUBT:
        return None  # dispatch has reported, and outcomes is about to
    state = now.state or ""
    if action == "drop":
        return Settlement(state, DROPPED.get(state, f"it is {now.state} by now"), True)
    known = (
        STATE_INFO[State(state)].description if state in set(State) else "not known to this version"
    )
    return Settlement(state, f"taken up again: it is {now.state}: {known}", True)
