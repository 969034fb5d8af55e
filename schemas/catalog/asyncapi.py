"""One AsyncAPI 3.0 document of every topic, with Kafka bindings 0.5.0, from their declarations."""

from __future__ import annotations

import inspect
from typing import Any

from schemas.base import Message
from schemas.catalog.examples import Example, examples
from schemas.catalog.json_schema import schemas_by_name
from schemas.topics import MESSAGES, TOPICS, Topic

PARTITIONS = 12
REPLICAS = 3
"""As `sayso topics apply` makes them on a cluster; the embedded broker has 4 and 1."""

_BINDING = "0.5.0"
_SCHEMAS = "#/components/schemas/"

ABOUT = """\
Sayso sends text messages to people who opted in. Producers publish send requests and facts about
consent; Sayso answers with decisions, attempts, outcomes and a usage report.

Values are JSON in snake_case; times are RFC 3339 with an offset, written in UTC. Read leniently: a
new field, a new kind or a new state is no breaking change. A key is made from the value as
`x-keyed-by` says, with the number in E.164, and placed by murmur2 as Java's producer does; a record
in the wrong partition is moved. Records carry CloudEvents 1.0 headers in binary mode. A value that
cannot be read goes to sms.dead-letters."""


def document() -> dict[str, Any]:
    found = examples()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sayso",
            "version": "1.0.0",
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "components": {
            "messages": {
                message.__name__: _message(topic, message, found)
                for topic in TOPICS
                for message in topic.messages
            },
            "schemas": schemas_by_name(MESSAGES.values(), _SCHEMAS),
        },
    }


def _channel(topic: Topic[Any]) -> dict[str, Any]:
    settings = topic.config(replication=REPLICAS)
    return {
        "address": topic.name,
        "description": topic.about,
        "messages": {
            message.__name__: {"$ref": f"#/components/messages/{message.__name__}"}
            for message in topic.messages
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions(PARTITIONS),
                "replicas": REPLICAS,
                "topicConfiguration": {
                    name: _typed(name, value) for name, value in settings.items()
                },
                "bindingVersion": _BINDING,
            }
        },
        "x-keyed-by": topic.keyed_by,
    }


def _typed(name: str, value: str) -> Any:
    """Kafka takes strings; the binding wants a list of policies and whole numbers."""
    if name == "cleanup.policy":
        return value.split(",")
    if value.lstrip("-").isdigit():
        return int(value)
    return value == "true" if value in {"true", "false"} else value


def _message(topic: Topic[Any], message: type[Message], found: list[Example]) -> dict[str, Any]:
    mine = [
        example for example in found if example.topic is topic and type(example.message) is message
    ]
    about = inspect.getdoc(message) if message.__dict__.get("__doc__") else None
    return {
        "name": message.__name__,
        "title": message.__name__,
        **({"description": about} if about else {}),
        "contentType": "application/json",
        "headers": _headers(topic),
        "payload": {"$ref": _SCHEMAS + message.__name__},
        "bindings": {"kafka": {"key": _key(topic, mine), "bindingVersion": _BINDING}},
        "examples": [{"name": example.name, "payload": example.document} for example in mine],
    }


def _key(topic: Topic[Any], mine: list[Example]) -> dict[str, Any]:
    keys = dict.fromkeys(topic.key(example.message) for example in mine)
    return {"type": "string", "description": topic.keyed_by, "examples": list(keys)}


def _headers(topic: Topic[Any]) -> dict[str, Any]:
    """Those of Sayso's own records; a producer's may be without."""
    return {
        "type": "object",
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": {
                "type": "string",
                "description": "unique per source; stays when a record is filed again",
            },
            "ce_source": {"type": "string", "format": "uri-reference", "examples": ["/sayso/gate"]},
            "ce_type": {"type": "string", "const": topic.event_type},
        },
    }
