"""Somebody with a mobile, a text for them, and everything around it; a test says what is
different."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from schemas.decision import Decision
from schemas.person import PersonAnswer, PersonEvent, PersonRequest
from schemas.send_request import CancelRequest, SendRequest
from schemas.tenant_settings import TenantSettings
from schemas.topics import DECISIONS, REQUEST_CANCELS, SEND_REQUESTS
from streams.people import people, people_on_timer
from streams.processing import Publication, Settings, build_settings
from tests.core.harness import ProcessorHarness, on_topic

NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OLD, NEW, THIRD, HOME = "+14155550142", "+16285550119", "+14155550187", "+14155550143"

_ids = count()


def settings(**changes: Any) -> Settings:
    tenant = {"tenant": "acme", "name": "Acme", "sender": "24273"}
    return build_settings({"acme": TenantSettings.model_validate(tenant | changes)}, {})


def person_processor(*, now: datetime = NOON, **policy: Any) -> ProcessorHarness:
    return ProcessorHarness(people, people_on_timer, "acme/p1", settings(**policy), now=now)


def mobile(number: str, **changes: Any) -> dict[str, Any]:
    return {"number": number, "type": "mobile"} | changes


def upsert(*numbers: dict[str, Any], **changes: Any) -> PersonEvent:
    return _event("upsert", {"name": "Jo Bell", "numbers": numbers} | changes)


def update(*numbers: dict[str, Any], **changes: Any) -> PersonEvent:
    return _event("update", {"numbers": numbers} | changes)


def delete() -> PersonEvent:
    return _event("delete", {})


def _event(action: str, changes: dict[str, Any]) -> PersonEvent:
    said = {
        "event_id": f"v{next(_ids)}",
        "tenant": "acme",
        "person_id": "p1",
        "action": action,
        "at": NOON,
    }
    return PersonEvent.model_validate(said | changes)


def request(**changes: Any) -> PersonRequest:
    asked = {
        "message_id": "m1",
        "tenant": "acme",
        "person_id": "p1",
        "body": "Your documents are ready.",
        "kind": "reminder",
        "requested_at": NOON - MINUTE,
    }
    return PersonRequest.model_validate(asked | changes)


def answer(
    verdict: str,
    message_id: str = "m1",
    *,
    by: str = "",
    request_id: str = "m1",
    may_have_left: bool = False,
) -> PersonAnswer:
    return PersonAnswer.model_validate(
        {
            "tenant": "acme",
            "person_id": "p1",
            "request_id": request_id,
            "message_id": message_id,
            "verdict": verdict,
        }
        | {"by": by, "may_have_left": may_have_left, "at": NOON}
    )


def summarize(published: list[Publication]) -> list[tuple[str, ...]]:
    """What went out about requests: (what, message id, number or verdict, rules...)."""
    return [
        short
        for topic, value in published
        if topic in (SEND_REQUESTS, REQUEST_CANCELS, DECISIONS) and (short := _short(value))
    ]


def _short(value: SendRequest | CancelRequest | Decision) -> tuple[str, ...]:
    match value:
        case SendRequest():
            return "asked", value.message_id, value.to
        case CancelRequest():
            return "canceled", value.message_id, value.number
        case Decision():
            return (
                "decided",
                value.message_id,
                value.verdict.value,
                *(found.rule for found in value.findings),
            )


def decisions(processor: ProcessorHarness) -> list[Decision]:
    return on_topic(DECISIONS, processor.published)
