"""Golden examples: what people will really write and read, for every message there is."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from schemas.attempt import AttemptState
from schemas.catalog.examples import EXAMPLES, Example, examples
from schemas.catalog.json_schema import json_schema
from schemas.topics import BY_NAME, MESSAGES, TOPICS, Topic

FOUND = examples()
each_example = pytest.mark.parametrize(
    "example", FOUND, ids=lambda one: f"{one.topic.name}/{one.name}"
)


def _with_an_offset(value: object) -> bool:
    """RFC 3339: a time without an offset is none."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _a_day(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.strptime(value, "%Y-%m-%d"))


FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time", raises=ValueError)(_with_an_offset)
FORMATS.checks("date", raises=ValueError)(_a_day)


@each_example
def test_an_example_can_be_read(example: Example) -> None:
    assert type(example.message) in example.topic.messages


@each_example
def test_an_example_survives_being_written_again(example: Example) -> None:
    """What the reader knows comes out as it went in; nothing is invented, nothing is lost."""
    message = example.message
    assert example.topic.decode(example.topic.encode(message)) == message
    again = json.loads(example.topic.encode(message))
    given = _given(again, example.document)
    assert _comparable(given) == _comparable(_known(example.document, type(message)))
    assert example.topic.decode(json.dumps(given).encode()) == message


@each_example
def test_an_example_satisfies_its_schema(example: Example) -> None:
    schema = json_schema(type(example.message))
    Draft202012Validator(schema, format_checker=FORMATS).validate(example.document)


@each_example
def test_what_we_write_satisfies_the_schema(example: Example) -> None:
    schema = json_schema(type(example.message))
    written = json.loads(example.topic.encode(example.message))
    Draft202012Validator(schema, format_checker=FORMATS).validate(written)


@each_example
def test_a_key_is_what_the_topic_says_in_words(example: Example) -> None:
    key = example.topic.key(example.message)
    assert len(key.split("/")) == len(example.topic.keyed_by.split("/"))
    assert key == key.strip()


@each_example
def test_an_example_names_nobody_real(example: Example) -> None:
    """Numbers from the range kept for fiction (555-01XX), addresses from those kept for
    documents."""
    text = example.value.decode()
    numbers = re.findall(r"\+1[\s().-]*\d{3}[\s().-]*\d{3}[\s().-]*\d{4}", text)
    assert all(re.search(r"555[\s().-]*01\d\d$", number) for number in numbers), numbers
    assert not set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text)) - {"192.0.2.44"}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_has_an_example(name: str) -> None:
    assert any(type(example.message).__name__ == name for example in FOUND), (
        f"write one to {EXAMPLES.name}/"
    )


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_an_example(topic: Topic[Any]) -> None:
    assert any(example.topic is topic for example in FOUND)


def test_no_example_stands_where_nobody_looks() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} == BY_NAME.keys()
    assert len(FOUND) == sum(1 for file in EXAMPLES.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("message", "field", "words"),
    [
        ("Decision", "verdict", {"send", "hold", "reject", "expire", "cancel"}),
        ("Approval", "action", {"approve", "reject", "send_now"}),
        ("Attempt", "state", {state.value for state in AttemptState}),
        (
            "ConsentEvent",
            "action",
            {
                "opt_in",
                "opt_out",
                "ask",
                "ask_failed",
                "unreadable",
                "resolved",
                "maybe_revoked",
                "go_on",
            },
        ),
        ("Sender", "kind", {"long_code", "toll_free", "short_code", "messaging_service"}),
        ("ConsentStatus", "state", {"none", "pending", "opted_in", "opted_out"}),
    ],
)
def test_the_examples_show_every_word(message: str, field: str, words: set[str]) -> None:
    shown = {
        getattr(one.message, field).value for one in FOUND if type(one.message).__name__ == message
    }
    assert shown == words


def _known(document: dict[str, Any], message: type[Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name in message.model_fields}


def _given(written: Any, document: Any) -> Any:
    """What is written without the defaults that were left out in the document."""
    if isinstance(written, dict) and isinstance(document, dict):
        return {
            name: _given(value, document[name])
            for name, value in written.items()
            if name in document
        }
    if isinstance(written, list) and isinstance(document, list):
        return [_given(one, other) for one, other in zip(written, document, strict=True)]
    return written


def _comparable(value: Any) -> Any:
    """Times as instants: an offset is another way to write the same one."""
    if isinstance(value, dict):
        return {name: _comparable(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_comparable(part) for part in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value)
    return value
