"""What an event holds: documented fields, and numbers and texts only on request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.topics import CONSENT_LOG, OUTCOMES, REPLIES, Topic
from services.console.api.openapi import FILE
from services.event_webhooks.event_types import (
    EVENTS,
    PATTERNS,
    TEST,
    describe_openapi,
    find_unknown,
    is_wanted,
)
from services.event_webhooks.payload import (
    Fact,
    Wishes,
    build_body,
    build_trial_body,
    make_event_id,
    read_event,
)
from streams.lifecycle import State
from tests.adapters.webhook_facts import NOW, NUMBER, WORDS, change, outcome, reply

PLAIN = Wishes()
ALL = Wishes(numbers=True, texts=True)
FACTS: list[tuple[Topic[Any], Fact, str]] = [
    (OUTCOMES, outcome(), "message.delivered"),
    *((OUTCOMES, outcome(state=state), f"message.{state}") for state in State),
    (CONSENT_LOG, change(), "consent.opted_in"),
    (CONSENT_LOG, change(now="opted_out", action="opt_out"), "consent.opted_out"),
    (CONSENT_LOG, change(now="pending", action="ask"), "consent.pending"),
    (CONSENT_LOG, change(was="pending", now="none", action="ask_failed"), "consent.none"),
    (CONSENT_LOG, change(applied=False), "consent.recorded"),
    (CONSENT_LOG, change(was="opted_in"), "consent.recorded"),
    (CONSENT_LOG, change(reason=f"it was {NUMBER} all along"), "consent.opted_in"),
    (REPLIES, reply(), "reply.received"),
]


def make(topic: Topic[Any], fact: Fact, wishes: Wishes) -> dict[str, Any]:
    event = read_event(topic.name, b"key", topic.encode(fact))
    made: dict[str, Any] = json.loads(build_body(event, wishes))
    return made


@pytest.mark.parametrize(("topic", "fact", "kind"), FACTS)
def test_a_record_becomes_an_event_of_a_documented_type(
    topic: Topic[Any], fact: Fact, kind: str
) -> None:
    payload = make(topic, fact, PLAIN)
    assert set(payload) == {"type", "timestamp", "data"}
    assert payload["type"] == kind
    assert kind in EVENTS
    assert payload["data"]["tenant"] == "acme"


@pytest.mark.parametrize(("topic", "fact", "kind"), FACTS)
def test_numbers_and_texts_are_there_only_if_asked_for(
    topic: Topic[Any], fact: Fact, kind: str
) -> None:
    for wishes in (PLAIN, Wishes(numbers=True), Wishes(texts=True), ALL):
        written = json.dumps(make(topic, fact, wishes))
        assert (NUMBER in written) == wishes.numbers
        assert (WORDS in written) == (wishes.texts and topic is not OUTCOMES)
        assert ("picture" in written) == (wishes.texts and topic is REPLIES)


@pytest.mark.parametrize(("topic", "fact", "kind"), FACTS)
def test_the_openapi_document_describes_each_event(
    topic: Topic[Any], fact: Fact, kind: str
) -> None:
    document = describe_openapi()
    operation = document["webhooks"][kind]["post"]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]
    schema = {**reference, "components": document["components"]}
    Draft202012Validator.check_schema(schema)
    for wishes in (PLAIN, ALL):
        Draft202012Validator(schema).validate(make(topic, fact, wishes))


def test_the_apis_document_has_the_same_events() -> None:
    document = json.loads(FILE.read_text("utf-8"))
    events = describe_openapi()
    assert document["webhooks"] == events["webhooks"]
    assert document["components"]["schemas"].items() >= events["components"]["schemas"].items()


def test_a_test_is_an_event_too() -> None:
    payload = json.loads(build_trial_body("acme", "ep_x", NOW))
    assert payload["type"] == TEST
    assert TEST not in PATTERNS


def test_the_version_of_a_message_is_there() -> None:
    """Order is not promised: receivers compare versions."""
    assert make(OUTCOMES, outcome(version=7), PLAIN)["data"]["version"] == 7
    assert make(CONSENT_LOG, change(3), PLAIN)["data"]["version"] == 3


def test_an_id_is_that_of_the_record() -> None:
    first = OUTCOMES.encode(outcome())
    assert make_event_id("a", b"k", first) == make_event_id("a", b"k", first)
    others = {
        make_event_id(*parts)
        for parts in [
            ("a", b"k", first),
            ("b", b"k", first),
            ("a", b"", b"k" + first),
            ("a", None, first),
            ("a", b"k", OUTCOMES.encode(outcome(version=2))),
            ("ak", b"", first),
        ]
    }
    assert len(others) == 6


@pytest.mark.parametrize(
    ("kind", "patterns", "wanted"),
    [
        ("message.sent", ["message.*"], True),
        ("message.sent", ["message.sent"], True),
        ("message.sent", ["message.delivered", "reply.*"], False),
        ("message.sent", ["message"], False),
        ("message.of-a-newer-version", ["message.*"], True),
        ("message.sent", [], False),
    ],
)
def test_an_endpoint_gets_what_it_lists(kind: str, patterns: list[str], wanted: bool) -> None:
    assert is_wanted(kind, patterns) == wanted


def test_what_nobody_can_list() -> None:
    assert find_unknown(PATTERNS) == []
    assert find_unknown(["message.*", "*", "endpoint.test", "mesage.sent"]) == [
        "*",
        "endpoint.test",
        "mesage.sent",
    ]
