"""Orders, controls and results for the tests of dispatch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from schemas.attempt import Attempt
from schemas.controls import Cancel, Pause, Resolve, Resume, Sighting, Stop
from schemas.send import Priority, Send
from schemas.sender import Sender, SenderKind
from schemas.topics import ATTEMPTS
from streams.dispatch import dispatch, dispatch_on_timer
from streams.dispatch.provider_calls import (
    ListedMessage,
    Lookup,
    LookupResult,
    Result,
    SendCall,
    SendResult,
)
from streams.processing import Settings, build_settings
from tests.core.harness import START, ProcessorHarness

CODE = "72975"
ANA, BEN = "+14155550101", "+14155550102"


def settings(pace: float = 100.0) -> Settings:
    return build_settings(
        {}, {CODE: Sender(sender=CODE, kind=SenderKind.SHORT_CODE, pace=pace, owner="acme")}
    )


def processor(pace: float = 100.0, **more: Any) -> ProcessorHarness:
    return ProcessorHarness(dispatch, dispatch_on_timer, CODE, settings(pace), **more)


def order(message_id: str = "m1", **changed: Any) -> Send:
    known: dict[str, Any] = {
        "message_id": message_id,
        "tenant": "acme",
        "to": ANA,
        "sender": CODE,
        "body": f"text {message_id}",
        "kind": "reminder",
        "lane": Priority.REMINDER,
        "segments": 1,
        "consent_epoch": 1,
        "send_before": START + timedelta(hours=10),
        "issued_at": START,
    }
    return Send(**(known | changed))


def stop(epoch: int = 2, **changed: Any) -> Stop:
    known = {"sender": CODE, "number": ANA, "tenant": "acme", "consent_epoch": epoch, "at": START}
    return Stop(**(known | changed))


def cancel(message_id: str = "m1") -> Cancel:
    return Cancel(sender=CODE, tenant="acme", message_id=message_id, at=START)


def late_receipt(message_id: str = "m1", attempt: int = 1) -> Sighting:
    return Sighting(
        sender=CODE,
        tenant="acme",
        message_id=message_id,
        attempt=attempt,
        provider_id="SM1",
        status="sent",
        at=START,
    )


PAUSE, RESUME = Pause(sender=CODE, at=START), Resume(sender=CODE, at=START)


def answer(call: SendCall, result: Result, **more: Any) -> SendResult:
    return SendResult.of(call, result, **more)


def reply(harness: ProcessorHarness, result: Result, **more: Any) -> None:
    """Every call in flight has this result."""
    for call in send_calls(harness.in_flight):
        harness.in_flight.remove(call)
        harness.answer(answer(call, result, **more))


def send_calls(calls: list[Any]) -> list[SendCall]:
    return [call for call in calls if isinstance(call, SendCall)]


def lookups(calls: list[Any]) -> list[Lookup]:
    return [call for call in calls if isinstance(call, Lookup)]


def listed_message(provider_id: str, body: str = "text m1", **changed: Any) -> ListedMessage:
    """As the provider lists it."""
    known = {"sender": CODE, "status": "delivered", "created_at": START, "num_segments": 1}
    return ListedMessage(provider_id=provider_id, body=body, **(known | changed))


def answer_lookups(
    harness: ProcessorHarness, *entries: ListedMessage, gone: bool = False
) -> list[int]:
    """Every lookup in flight gives this list; returns their rounds."""
    in_flight = lookups(harness.in_flight)
    for lookup in in_flight:
        harness.in_flight.remove(lookup)
        result = LookupResult.of(lookup, None if gone else entries, "HTTP 503" if gone else "")
        harness.answer(result)
    return [lookup.round for lookup in in_flight]


def resolve(action: str, message_id: str = "m1", attempt: int = 1) -> Resolve:
    return Resolve(
        sender=CODE,
        tenant="acme",
        message_id=message_id,
        attempt=attempt,
        action=action,
        by="m.ortiz",
        at=START,
    )  # type: ignore[arg-type]


def states(harness: ProcessorHarness, message_id: str = "m1") -> list[str]:
    """What was reported of a message: `2 accepted 30003`."""
    attempts: list[Attempt] = [
        one for one in harness.published_on(ATTEMPTS) if one.message_id == message_id
    ]
    return [" ".join(filter(None, (str(one.attempt), one.state, one.code))) for one in attempts]


def calls_made(harness: ProcessorHarness) -> list[str]:
    return [f"{call.message_id}#{call.attempt}" for call in send_calls(harness.calls)]


def run_lookups(
    harness: ProcessorHarness, *entries: ListedMessage, gone: bool = False
) -> list[int]:
    """Let two minutes pass; every lookup gives this list. Returns their rounds."""
    rounds = list[int]()
    for _ in range(12):
        harness.wait(10)
        rounds += answer_lookups(harness, *entries, gone=gone)
    return rounds


def last(harness: ProcessorHarness, message_id: str = "m1") -> str:
    return states(harness, message_id)[-1]


def send_call(delay: float = 0.0, interval: float = 0.0, sender: str = CODE) -> SendCall:
    return SendCall("acme", "m", 1, sender, ANA, "text", delay, interval)
