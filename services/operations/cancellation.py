"""Cancel one text, and say what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from schemas.send_request import CancelRequest
from schemas.topics import REQUEST_CANCELS
from services.ledger import Ledger
from services.ledger.message_status import MessageStatus, find_statuses
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from streams.lifecycle import STATE_INFO, Group, State

IN_DOUBT: Final = (
    "in doubt: the call was cut off, so it may have gone out; it is not sent again, and what was found out of it is in"
    " sayso doubt list"
)
NOT_CONFIRMED: Final = (
    "asked for, and not confirmed yet: it is {state}; gate and dispatch take it back when they read this, unless it has"
    " left by then (sayso lag says whether they read)"
)


class CancelResult(NamedTuple):
    """`result`: canceled, asked_again, too_late, in_doubt, not_sent or not_confirmed."""

    result: str
    sentence: str

    @property
    def is_stopped(self) -> bool:
        """It is certain that it does not go out."""
        return self.result in {"canceled", "not_sent"}


def find_cancelable(ledger: Ledger, message_id: str, tenant: str | None) -> MessageStatus:
    """Raises OperationError where there is none, or several tenants have one, or it has no number yet."""
    found = find_statuses(ledger, message_id, tenant)
    if not found:
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"No message {message_id!r} is on record{at}")
    if len(found) > 1:
        names = ", ".join(standing.tenant for standing in found)
        raise InvalidRequest(
            f"{names} each have a message {message_id!r}", "say which with --tenant"
        )
    if found[0].number is None:
        raise OperationFailed(
            f"{message_id!r} waits for a number of its person and cannot be taken back before it has one",
            "switch their numbers off, or cancel it then",
        )
    return found[0]


async def cancel(
    kafka: Session, ledger: Ledger, message: MessageStatus, reason: str, by: str, now: datetime
) -> CancelResult:
    """Publish the cancel, unless it changes nothing, and wait for what comes of it.  Raises OperationError."""
    if done := final_result(message):
        return done
    assert message.number is not None, "find_cancelable refuses those"
    request = CancelRequest(
        tenant=message.tenant,
        number=message.number,
        message_id=message.message_id,
        reason=reason,
        by=by,
        at=now,
    )
    await kafka.publish(REQUEST_CANCELS, [request])

    def read_message() -> MessageStatus:
        return find_cancelable(ledger, message.message_id, message.tenant)

    if result := await kafka.wait_for(ledger, lambda: final_result(read_message())):
        return result
    state = read_message().state or "not judged yet"
    return CancelResult("not_confirmed", NOT_CONFIRMED.format(state=state))


def final_result(message: MessageStatus) -> CancelResult | None:
    """None while a cancel may still change something: a text in doubt might be sent again."""
    if message.state is None or message.state not in set(State):
        return None
    state = State(message.state)
    if state is State.CANCELED and message.again_as is not None:
        return CancelResult(
            "asked_again",
            f"canceled, but asked for again as {message.again_as}: cancel that too, if need be",
        )
    if state is State.CANCELED:
        return CancelResult("canceled", "canceled: it does not go out")
    if state is State.IN_DOUBT:
        return CancelResult("in_doubt", IN_DOUBT) if message.taken_back else None
    meaning = STATE_INFO[state]
    if meaning.group is Group.OUT:
        name = f" as {message.provider_id}" if message.provider_id else ""
        return CancelResult(
            "too_late", f"too late: it is {state.value}{name}, {meaning.description}"
        )
    if meaning.group is not Group.WAITING:
        return CancelResult(
            "not_sent", f"it was not going out anyway: it is {state.value}, {meaning.description}"
        )
    return None
