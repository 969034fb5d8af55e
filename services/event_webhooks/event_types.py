"""The events that a tenant's program may hear of, and what each carries.

These classes are the contract: the API's OpenAPI document and the guide are made from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from schemas.base import UtcTime
from schemas.consent import ConsentState
from services.event_webhooks.signature import ID, SIGNATURE, TIMESTAMP
from streams.lifecycle import STATE_INFO


class Group(StrEnum):
    """`GROUP.*` in an endpoint's list means all events of a group."""

    MESSAGE = "message"
    CONSENT = "consent"
    REPLY = "reply"


REPLY_RECEIVED: Final = "reply.received"
CONSENT_RECORDED: Final = "consent.recorded"
TEST: Final = "endpoint.test"
"""Sent when somebody asks for it; no endpoint lists it."""


class EventModel(BaseModel):
    """A docstring under a field is its description in the OpenAPI document."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


class MessageData(EventModel):
    """What we hold true of a message.  A higher `version` of the same message replaces a lower one,
    whichever arrives first."""

    message_id: str
    tenant: str
    version: int
    """Counts up for each message, not always by one.  Ignore an event whose version is lower than
    one that you have."""
    state: str
    final: bool
    """No later event is expected to change `state`."""
    at: UtcTime
    requested_at: UtcTime
    kind: str
    branch: str | None = None
    person_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    """The case's event that the text is about."""
    event_at: UtcTime | None = None
    event_title: str | None = None
    sender: str | None = None
    """What we text from."""
    number: str | None = None
    """The recipient's, in E.164; only for endpoints that ask for numbers."""
    error_code: str | None = None
    error_title: str | None = None
    next_step: str | None = None
    test_mode: bool | None = None
    """The request said so: it is evaluated as any text, and never sent."""
    segments: int = 0
    """Billed ones where the provider has counted, else predicted ones."""


class ConsentData(EventModel):
    """An entry of the consent log."""

    tenant: str
    number: str | None = None
    """In E.164; only for endpoints that ask for numbers."""
    version: int | None = None
    """Counts the number's entries from 1."""
    was: str
    now: str
    applied: bool
    """False if it changed nothing: a repeat, or older than what holds."""
    action: str
    source: str
    reason: str
    flagged: bool = False
    """An opt-out in other words than STOP, which a person is to confirm or lift."""
    sender: str | None = None
    claim_id: str
    """Of the claim that the entry answers: `event_id` where consent was reported."""
    claimed_at: UtcTime
    at: UtcTime
    text: str | None = None
    """What they wrote; only for endpoints that ask for texts."""


class ReplyData(EventModel):
    """Somebody has texted the tenant."""

    reply_id: str
    """The provider's id of their text."""
    tenant: str
    number: str | None = None
    """Whose it is, in E.164; only for endpoints that ask for numbers."""
    sender: str
    """Where they texted to."""
    received_at: UtcTime
    keyword: str | None = None
    """What the provider takes it for: stop, start, help."""
    media_count: int = 0
    text: str | None = None
    """What they wrote; only for endpoints that ask for texts."""
    media: tuple[str, ...] | None = None
    """The provider's addresses of pictures; only for endpoints that ask for texts."""


class TrialData(EventModel):
    """Proves that the endpoint is reached and verifies our signature."""

    tenant: str
    endpoint: str


Data = MessageData | ConsentData | ReplyData | TrialData


class _Event(EventModel):
    type: str
    timestamp: UtcTime
    """When it happened."""


class MessageWebhook(_Event):
    """A message changed its state."""

    data: MessageData


class ConsentWebhook(_Event):
    """The consent log has a new entry."""

    data: ConsentData


class ReplyWebhook(_Event):
    """A person texted the tenant."""

    data: ReplyData


class TrialWebhook(_Event):
    """Somebody asked for a test."""

    data: TrialData


class EventInfo(NamedTuple):
    model: type[EventModel]
    """Of the whole payload."""
    about: str


EVENTS: Final[Mapping[str, EventInfo]] = {
    **{
        f"{Group.MESSAGE}.{state}": EventInfo(MessageWebhook, info.description)
        for state, info in STATE_INFO.items()
    },
    f"{Group.CONSENT}.{ConsentState.PENDING}": EventInfo(
        ConsentWebhook, "an opt-in request is ordered; it is unanswered"
    ),
    f"{Group.CONSENT}.{ConsentState.OPTED_IN}": EventInfo(ConsentWebhook, "they opted in"),
    f"{Group.CONSENT}.{ConsentState.OPTED_OUT}": EventInfo(ConsentWebhook, "they opted out"),
    f"{Group.CONSENT}.{ConsentState.NONE}": EventInfo(
        ConsentWebhook, "there is no consent any more, and no opt-out: an opt-in request failed"
    ),
    CONSENT_RECORDED: EventInfo(
        ConsentWebhook, "an entry of the consent log that leaves the state as it was"
    ),
    REPLY_RECEIVED: EventInfo(ReplyWebhook, "they texted the tenant"),
    TEST: EventInfo(TrialWebhook, "somebody asked for a test"),
}
"""By type.  A newer version may add types; receivers ignore those that they do not know."""

PATTERNS: Final = (*(f"{group}.*" for group in Group), *(name for name in EVENTS if name != TEST))
"""What an endpoint may list."""


def is_wanted(event_type: str, patterns: Iterable[str]) -> bool:
    group = event_type.partition(".")[0] + ".*"
    return any(pattern in (event_type, group) for pattern in patterns)


def find_unknown(patterns: Iterable[str]) -> list[str]:
    """Those that an endpoint may not list."""
    return [pattern for pattern in patterns if pattern not in PATTERNS]


def render_docs() -> str:
    """For the docs, in Markdown."""
    lines = ["| type | when | `data` |", "|---|---|---|"]
    for name, info in EVENTS.items():
        data: Any = info.model.model_fields["data"].annotation
        lines.append(f"| `{name}` | {info.about} | `{data.__name__}` |")
    return "\n".join(lines) + "\n"


def describe_openapi() -> dict[str, Any]:
    """The `webhooks` and `components.schemas` of an OpenAPI 3.1 document."""
    models = tuple(dict.fromkeys(info.model for info in EVENTS.values()))
    _, schema = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "webhooks": {
            name: {"post": _describe_operation(name, info)} for name, info in EVENTS.items()
        },
        "components": {"schemas": schema["$defs"]},
    }


def _describe_operation(name: str, info: EventInfo) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{info.model.__name__}"}
    return {
        "operationId": f"on_{name.replace('.', '_')}",
        "summary": info.about[0].upper() + info.about[1:],
        "parameters": [
            {"name": header, "in": "header", "required": True, "schema": {"type": "string"}}
            for header in (ID, TIMESTAMP, SIGNATURE)
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}},
        "responses": {
            "2XX": {"description": "Taken. Any other answer is tried again."},
            "410": {"description": "Send nothing here any more: the endpoint is disabled."},
        },
    }
