"""People who said yes, and texts to them, as producers publish them: in one go, because each command
of the command line takes seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from schemas.base import Message
from schemas.consent import ConsentEvent
from schemas.person import NumberChange, PersonAction, PersonEvent
from schemas.send_request import SendRequest
from schemas.topic import Topic
from schemas.topics import CONSENT_EVENTS, PERSON_EVENTS
from services.kafka.publisher import Publisher
from tests.browser.stack import BrowserStack

TENANT = "harbor"


def publish(stack: BrowserStack, topic: Topic[Any], messages: Sequence[Message]) -> None:
    async def run() -> None:
        publisher = Publisher(stack.bootstrap, source="test")
        try:
            await publisher.publish_all(topic, messages)
        finally:
            await publisher.stop()

    # Not in this thread: the browser's driver has its loop here.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


def opt_in(stack: BrowserStack, *numbers: str) -> None:
    events = [
        ConsentEvent(
            event_id=f"form-{number[1:]}",
            tenant=TENANT,
            number=number,
            action="opt_in",
            source="form",
            at=datetime.now(UTC),
        )
        for number in numbers
    ]
    publish(stack, CONSENT_EVENTS, events)


def add_person(stack: BrowserStack, person_id: str, name: str, number: str) -> None:
    event = PersonEvent(
        event_id=f"add-{person_id}",
        tenant=TENANT,
        person_id=person_id,
        action=PersonAction.UPSERT,
        name=name,
        numbers=(NumberChange(number=number),),
        at=datetime.now(UTC),
    )
    publish(stack, PERSON_EVENTS, [event])


def build_request(message_id: str, number: str, body: str, **more: Any) -> SendRequest:
    about: dict[str, Any] = {
        "message_id": message_id,
        "tenant": TENANT,
        "to": number,
        "body": body,
        "kind": "transactional",
        "requested_at": datetime.now(UTC),
    }
    return SendRequest.model_validate(about | more)
