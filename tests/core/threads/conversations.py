"""A client with a number, their cases, and everything that is said; a test says what is
different."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from schemas.case import CaseNumber
from schemas.inbound import Reply
from schemas.person import NumberFact
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.thread import (
    Answered,
    Assigned,
    MovedToCase,
    NoAnswerNeeded,
    NoteAdded,
    Thread,
    ThreadMessage,
)
from schemas.topics import THREADS
from streams.processing import Settings, build_settings
from streams.threads import threads, threads_on_timer
from tests.core.harness import ProcessorHarness

NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)
"""A Tuesday; 12:00 in New York."""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PHONE, SENDER = "+14155550142", "24273"

_ids = count()


def settings(**changes: Any) -> Settings:
    tenant = {"tenant": "acme", "name": "Acme", "sender": SENDER}
    sender = Sender(sender=SENDER, kind=SenderKind.SHORT_CODE, owner="acme")
    return build_settings(
        {"acme": TenantSettings.model_validate(tenant | changes)}, {SENDER: sender}
    )


def thread_processor(*, now: datetime = NOON, **policy: Any) -> ProcessorHarness:
    return ProcessorHarness(threads, threads_on_timer, f"acme/{PHONE}", settings(**policy), now=now)


def reply(body: str, inbound_id: str = "SM1", at: datetime = NOON, **changes: Any) -> Reply:
    said = {
        "tenant": "acme",
        "number": PHONE,
        "sender": SENDER,
        "provider_id": inbound_id,
        "received_at": at,
        "appended_at": at,
    }
    return Reply.model_validate({"body": body} | said | changes)


def message(
    message_id: str,
    state: str = "delivered",
    at: datetime = NOON - HOUR,
    **changes: Any,
) -> ThreadMessage:
    said = {
        "tenant": "acme",
        "number": PHONE,
        "message_id": message_id,
        "kind": "direct" if changes.get("written_by") else "reminder",
        "state": state,
        "final": True,
        "version": 1,
        "at": at,
    }
    return ThreadMessage.model_validate(said | changes)


def party(
    case_id: str, person_id: str = "ana", at: datetime = NOON - DAY, **changes: Any
) -> CaseNumber:
    said = {
        "tenant": "acme",
        "number": PHONE,
        "case_id": case_id,
        "person_id": person_id,
        "title": f"In re {case_id}",
        "name": person_id.title(),
        "at": at,
    }
    return CaseNumber.model_validate(said | changes)


def awaited(
    event_id: str = "hearing", word: str = "C", until: datetime = NOON + DAY
) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "event_starts_at": "2026-12-02T12:00",
        "word": word,
        "until": until,
    }


def holder(person_id: str = "ana", at: datetime = NOON - DAY, *, left: bool = False) -> NumberFact:
    return NumberFact(tenant="acme", number=PHONE, person_id=person_id, left=left, at=at)


def _change(at: datetime) -> dict[str, Any]:
    return {
        "tenant": "acme",
        "number": PHONE,
        "change_id": f"c{next(_ids)}",
        "by": "dana",
        "at": at,
    }


def note(at: datetime = NOON + HOUR) -> NoteAdded:
    return NoteAdded(text="Called, no answer.", **_change(at))


def handled(at: datetime = NOON + HOUR, inbound_id: str | None = None) -> Answered:
    return Answered(inbound_id=inbound_id, **_change(at))


def needs_none(at: datetime = NOON + HOUR, inbound_id: str | None = None) -> NoAnswerNeeded:
    return NoAnswerNeeded(inbound_id=inbound_id, **_change(at))


def assigned(to: str | None, at: datetime = NOON + HOUR) -> Assigned:
    return Assigned(to=to, **_change(at))


def moved(inbound_id: str, case_id: str | None, at: datetime = NOON + HOUR) -> MovedToCase:
    return MovedToCase(inbound_id=inbound_id, case_id=case_id, **_change(at))


def last_thread(processor: ProcessorHarness) -> Thread:
    thread: Thread = processor.published_on(THREADS)[-1]
    return thread


def run_all(*values: Any, **policy: Any) -> ProcessorHarness:
    """All within a minute, whatever times they name."""
    processor = thread_processor(now=NOON + DAY / 2, **policy)
    for value in values:
        processor.feed(value)
    return processor


def end_of(*values: Any) -> Thread:
    return last_thread(run_all(*values))
