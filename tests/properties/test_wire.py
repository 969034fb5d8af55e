"""What holds of any message: it survives the wire, and is filed in one place however it is
written."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import ValidationError

from schemas.catalog.json_schema import json_schema
from schemas.consent import ConsentEvent
from schemas.controls import UnknownControl
from schemas.numbers import e164, mask_number
from schemas.reports import UsageRow
from schemas.send_request import SendRequest
from schemas.topics import DISPATCH_CONTROLS, MESSAGES, SEND_REQUESTS, TOPICS, Topic
from tests.properties.messages import TEXTS, messages, messages_on

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
each_message = pytest.mark.parametrize("kind", MESSAGES.values(), ids=lambda kind: kind.__name__)

few = settings(max_examples=12, deadline=None)
"""These run once for each topic; a slow machine is no failure."""

SIGNS = st.text(" \t\u00a0().-/\u2011\u2013\u200b\u202a\u202c", max_size=3)
NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True).filter(
    lambda number: e164(number) == number
)
"""In the writing that keys use: no trunk zero, and none of the digits that move."""
KNOWN = {"stop", "cancel", "sighting", "pause", "resume"}
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def written(draw: st.DrawFn, number: str) -> str:
    """The same number as people write it: blanks, dashes and brackets anywhere."""
    return "".join(draw(SIGNS) + sign for sign in number) + draw(SIGNS)


@each_topic
@few
@given(data=st.data())
def test_a_message_survives_the_wire(topic: Topic[Any], data: st.DataObject) -> None:
    message = data.draw(messages_on(topic))
    again = topic.decode(topic.encode(message))
    assert again == message
    assert type(again) is type(message)
    assert topic.key(again).encode() == topic.key(message).encode()


@each_message
@few
@given(data=st.data())
def test_what_we_write_is_what_the_schema_says(kind: Any, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    document = json.loads(message.model_dump_json(exclude_none=True))
    assert list(Draft202012Validator(json_schema(kind)).iter_errors(document)) == []


@each_topic
@few
@given(data=st.data(), extra=st.dictionaries(TEXTS, JSON, max_size=3))
def test_fields_nobody_knows_change_nothing(
    topic: Topic[Any], data: st.DataObject, extra: dict[str, Any]
) -> None:
    message = data.draw(messages_on(topic))
    document = json.loads(topic.encode(message))
    known = {*type(message).model_fields}
    more = {name: value for name, value in extra.items() if name not in known}
    assert topic.decode(json.dumps(more | document).encode()) == message


@each_topic
@few
@given(value=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
@example(value=b'{"type":["stop"],"sender":"72975"}')
def test_whatever_comes_is_read_or_refused(topic: Topic[Any], value: bytes) -> None:
    try:
        message = topic.decode(value)
    except ValidationError:
        return
    assert topic.decode(topic.encode(message)) == message


@each_topic
@few
@given(data=st.data(), junk=JSON)
def test_one_spoiled_field_is_read_or_refused(
    topic: Topic[Any], data: st.DataObject, junk: Any
) -> None:
    document = json.loads(topic.encode(data.draw(messages_on(topic))))
    field = data.draw(st.sampled_from(sorted(document)))
    try:
        message = topic.decode(json.dumps({**document, field: junk}).encode())
    except ValidationError:
        return
    assert topic.decode(topic.encode(message)) == message
    assert isinstance(topic.key(message), str)


@settings(deadline=None)
@given(data=st.data(), number=NUMBERS)
def test_a_key_does_not_depend_on_how_a_number_is_written(data: st.DataObject, number: str) -> None:
    """So a STOP and a request for one number meet in one place."""
    request = data.draw(messages(SendRequest)).model_copy(update={"to": data.draw(written(number))})
    event = data.draw(messages(ConsentEvent)).model_copy(
        update={"number": data.draw(written(number)), "tenant": request.tenant}
    )
    assert request.number_key == event.number_key == f"{request.tenant}/{number}"
    assert (
        SEND_REQUESTS.key(SEND_REQUESTS.decode(SEND_REQUESTS.encode(request))) == request.number_key
    )


@given(one=NUMBERS, other=NUMBERS, data=st.data())
def test_two_numbers_never_share_a_key(one: str, other: str, data: st.DataObject) -> None:
    assert (e164(data.draw(written(one))) == e164(data.draw(written(other)))) == (one == other)


@given(TEXTS)
def test_a_number_is_cleaned_once(text: str) -> None:
    assert e164(e164(text)) == e164(text)
    assert "/" not in e164(text), "keys are joined by it"


@given(NUMBERS)
def test_a_masked_number_keeps_its_secret(number: str) -> None:
    shown = mask_number(number)
    assert len(shown) == len(number)
    assert shown.count("•") >= 4
    assert shown[:1] == number[:1]


SLASHED = st.text("a/%2F", max_size=4)


@given(SLASHED, SLASHED, SLASHED, SLASHED)
def test_slashes_do_not_join_rows(
    branch: str, sender: str, other_branch: str, other_sender: str
) -> None:
    row = UsageRow(
        tenant="a",
        branch=branch,
        sender=sender,
        period=date(2026, 3, 5),
        kind="k",
        state="s",
        messages=1,
        segments=1,
        final=True,
    )
    other = row.model_copy(update={"branch": other_branch, "sender": other_sender})
    assert (row.identity == other.identity) == ((branch, sender) == (other_branch, other_sender))


@given(kind=TEXTS.filter(lambda word: word not in KNOWN), sender=TEXTS)
def test_a_control_nobody_knows_is_passed_over(kind: str, sender: str) -> None:
    value = json.dumps({"type": kind, "sender": sender}).encode()
    assert DISPATCH_CONTROLS.decode(value) == UnknownControl(type=kind, sender=sender)
