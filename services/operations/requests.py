"""Ask for a text, or cancel one.

A text with `undo_seconds` is held by the gate for so long: a cancel within that time withdraws it.
A test text finds out whether somebody can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.person import PersonCancel, PersonRequest
from schemas.send_request import CancelRequest, SendRequest
from schemas.topics import PERSON_CANCELS, PERSON_REQUESTS, REQUEST_CANCELS, SEND_REQUESTS
from services.ledger import Ledger
from services.ledger.message_status import MessageStatus, find_statuses
from services.ledger.people import PersonView, find_people
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from services.operations.validation import build_message, new_id
from streams.lifecycle import STATE_INFO, Group, State
from streams.rule_names import RuleName

TEST_LIFE: Final = timedelta(minutes=15)
"""Somebody looks at their phone now: a test text that comes later is useless."""


async def request_text(kafka: Session, request: SendRequest) -> None:
    """Publish the request, if its tenant exists.  Raises OperationError."""
    await kafka.require_tenants(request.tenant)
    await kafka.publish(SEND_REQUESTS, [request])


async def request_person_text(kafka: Session, request: PersonRequest) -> None:
    """Publish the request for a person.  Raises OperationError."""
    await kafka.publish(PERSON_REQUESTS, [request])


def build_test_request(
    ledger: Ledger,
    person_id: str,
    tenant: str | None,
    number: str | None,
    body: str | None,
    by: str,
    now: datetime,
    undo_seconds: int | None = None,
) -> PersonRequest:
    """`number` is one of their numbers, in E.164; without it the people processor chooses.

    Raises InvalidRequest."""
    known = _find_person(find_people(ledger, person_id, tenant), person_id, tenant)
    owner = known.person["tenant"]
    names = ledger.rows(
        "SELECT json_extract(json, '$.name') AS name FROM tenants WHERE tenant = ?", owner
    )
    signature = names[0]["name"] if names else owner
    return build_message(
        PersonRequest,
        message_id=new_id("test"),
        tenant=owner,
        person_id=person_id,
        kind="test",
        to=number,
        body=body or f"{signature}: this is a test. Nothing to do.",
        valid_until=now + TEST_LIFE,
        requested_at=now,
        requested_by=by,
        undo_seconds=undo_seconds,
    )


def _find_person(found: tuple[PersonView, ...], person_id: str, tenant: str | None) -> PersonView:
    if len(found) > 1:
        tenants = ", ".join(one.person["tenant"] for one in found)
        raise InvalidRequest(f"{tenants} each know a {person_id!r}", "say --tenant")
    if not found or found[0].person.get("deleted"):
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"Nobody is on record as {person_id!r}{at}")
    if not found[0].person.get("numbers"):
        raise InvalidRequest(f"There is no number on file for {person_id!r}", "add one first")
    return found[0]


IN_DOUBT: Final = (
    "in doubt: the call was cut off, so it may have gone out; it is not sent again,"
    " and what was found out of it is in sayso doubt list"
)
NOT_CONFIRMED: Final = (
    "asked for, and not confirmed yet: it is {state}; gate and dispatch take it back when they"
    " read this, unless it has left by then (sayso lag says whether they read)"
)


class CancelResult(NamedTuple):
    """`result`: withdrawn, canceled, asked_again, too_late, in_doubt, not_sent or
    not_confirmed."""

    result: str
    sentence: str

    @property
    def is_stopped(self) -> bool:
        """It is certain that the text will not be sent."""
        return self.result in {"withdrawn", "canceled", "not_sent"}


def find_cancelable(ledger: Ledger, message_id: str, tenant: str | None) -> MessageStatus:
    """What was requested for a person is followed to the number that it is for now.

    Raises OperationError where it is unknown or of several tenants."""
    found = find_statuses(ledger, message_id, tenant)
    if not found:
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"No message {message_id!r} is on record{at}")
    if len(found) > 1:
        names = ", ".join(status.tenant for status in found)
        raise InvalidRequest(
            f"{names} each have a message {message_id!r}", "say which with --tenant"
        )
    message = _find_last_move(ledger, found[0])
    if message.number is None and message.request_id is None:
        raise OperationFailed(f"Nobody knows any more whom {message_id!r} was for")
    return message


def _find_last_move(ledger: Ledger, message: MessageStatus) -> MessageStatus:
    while message.request_id is not None and message.resent_as is not None:
        after = find_statuses(ledger, message.resent_as, message.tenant)
        if not after or after[0].request_id != message.request_id:
            break
        message = after[0]
    return message


Cancel = CancelRequest | PersonCancel


def build_cancel(message: MessageStatus, reason: str, by: str, now: datetime) -> Cancel:
    """People take back what was requested for a person, whatever number it went to."""
    return build_withdrawal(name_sent(message), by, now, reason)


class SentText(NamedTuple):
    """A text that was just sent: to a person, or to a number."""

    tenant: str
    message_id: str
    person_id: str | None
    number: str | None


def name_sent(message: MessageStatus) -> SentText:
    """What undoes a text that is on record."""
    if message.request_id is not None and message.person_id is not None:
        return SentText(message.tenant, message.request_id, message.person_id, None)
    return SentText(message.tenant, message.message_id, None, message.number)


def build_withdrawal(
    sent: SendRequest | PersonRequest | SentText, by: str, now: datetime, reason: str = ""
) -> Cancel:
    """Undo what was just sent.  It needs no ledger, and may overtake the request."""
    said = {"tenant": sent.tenant, "reason": reason, "by": by, "at": now}
    if isinstance(sent, SendRequest):
        return _cancel_at_gate(sent.number, sent.message_id, said)
    if sent.person_id is not None:
        return build_message(
            PersonCancel, person_id=sent.person_id, request_id=sent.message_id, **said
        )
    assert sent.number is not None, "a text is for a person or for a number"
    return _cancel_at_gate(sent.number, sent.message_id, said)


def _cancel_at_gate(number: str, message_id: str, said: Mapping[str, Any]) -> CancelRequest:
    return build_message(CancelRequest, number=number, message_id=message_id, **said)


async def publish_cancel(kafka: Session, cancel: Cancel) -> None:
    """Raises OperationFailed."""
    if isinstance(cancel, PersonCancel):
        await kafka.publish(PERSON_CANCELS, [cancel])
    else:
        await kafka.publish(REQUEST_CANCELS, [cancel])


async def cancel(
    kafka: Session, ledger: Ledger, message: MessageStatus, reason: str, by: str, now: datetime
) -> CancelResult:
    """Publish the cancel, unless it changes nothing, and wait for the result.

    Raises OperationError."""
    if done := final_result(message):
        return done
    await publish_cancel(kafka, build_cancel(message, reason, by, now))

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
    if state is State.CANCELED:
        return _describe_canceled(message)
    if state is State.IN_DOUBT:
        return CancelResult("in_doubt", IN_DOUBT) if message.cancel_ordered else None
    info = STATE_INFO[state]
    if info.group is Group.WAITING:
        return None
    if info.group is Group.OUT:
        name = f" as {message.provider_id}" if message.provider_id else ""
        return CancelResult("too_late", f"too late: it is {state.value}{name}, {info.description}")
    return CancelResult(
        "not_sent", f"it was not going out anyway: it is {state.value}, {info.description}"
    )


def _describe_canceled(message: MessageStatus) -> CancelResult:
    if message.rule == RuleName.WITHDRAWN:
        return CancelResult("withdrawn", "withdrawn in time: it does not go out")
    if message.resent_as is None:
        return CancelResult("canceled", "canceled: it does not go out")
    return CancelResult(
        "asked_again",
        f"canceled, but asked for again as {message.resent_as}: cancel that too, if need be",
    )
