"""What becomes of values that nobody should have written: read, or refused in words.  Never a
crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.catalog.examples import examples
from schemas.controls import Stop, UnknownControl
from schemas.send_request import SendRequest
from schemas.tenant_settings import TenantSettings
from schemas.topics import (
    DEAD_LETTERS,
    DELIVERY_RECEIPTS,
    DISPATCH_CONTROLS,
    SEND_REQUESTS,
    SENDERS,
    SETTINGS,
    TOPICS,
    USAGE_REPORT,
    Topic,
)

REQUEST = {
    "message_id": "m-1",
    "tenant": "acme",
    "to": "+14155550142",
    "body": "Hello",
    "kind": "direct",
    "requested_at": "2026-03-05T15:04:05Z",
}
STOP = {
    "type": "stop",
    "sender": "72975",
    "number": "+14155550142",
    "consent_epoch": 2,
    "at": "2026-03-05T15:04:05Z",
}
each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


def wire(document: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**document, **changes}).encode()


def request(**changes: Any) -> SendRequest:
    return SEND_REQUESTS.decode(wire(REQUEST, **changes))


def complaint(topic: Topic[Any], value: bytes | None) -> str:
    """The first one, as `field: what is wrong`."""
    with pytest.raises(ValidationError) as refused:
        topic.decode(value)  # type: ignore[arg-type]
    first = refused.value.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


NOT_A_MESSAGE = [
    pytest.param(None, "JSON input should be string, bytes or bytearray", id="a tombstone"),
    pytest.param(b"", "Invalid JSON: EOF while parsing", id="nothing"),
    pytest.param(b"\x00", "Invalid JSON: expected value", id="NUL"),
    pytest.param(b"hello", "Invalid JSON: expected value", id="plain text"),
    pytest.param(
        b"\x00\x00\x00\x00\x07{}", "Invalid JSON: expected value", id="a schema registry's prefix"
    ),
    pytest.param(b'{"tenant":', "Invalid JSON: EOF while parsing", id="cut short"),
    pytest.param(b'{"tenant":"acme"} {}', "Invalid JSON: trailing characters", id="two values"),
    pytest.param(b"\xef\xbb\xbf{}", "Invalid JSON: expected value", id="a byte order mark"),
    pytest.param("{}".encode("utf-16"), "Invalid JSON: expected value", id="UTF-16"),
    pytest.param(b'{"tenant":"\xe9"}', "Invalid JSON: invalid unicode code point", id="Latin-1"),
    pytest.param(
        b'{"tenant":"\xed\xa0\xbd"}',
        "Invalid JSON: invalid unicode code point",
        id="a raw lone surrogate",
    ),
    pytest.param(
        rb'{"tenant":"\ud83d"}',
        "Invalid JSON: unexpected end of hex escape",
        id="an escaped lone surrogate",
    ),
    pytest.param(
        rb'{"tenant":"\ude00"}',
        "Invalid JSON: lone leading surrogate in hex escape",
        id="a trailing half",
    ),
    pytest.param(
        b'{"tenant":"a\x00b"}', "Invalid JSON: control character", id="a raw NUL inside of a string"
    ),
    pytest.param(b"[" * 100_000, "Invalid JSON: recursion limit exceeded", id="very deep"),
    pytest.param(
        b'{"n":' + b"9" * 5000 + b"}", "Invalid JSON: number out of range", id="a very long number"
    ),
    pytest.param(b"null", "Input should be an object", id="null"),
    pytest.param(b"[]", "Input should be an object", id="a list"),
    pytest.param(b'"stop"', "Input should be an object", id="a string"),
    pytest.param(b"1", "Input should be an object", id="a number"),
]


@each_topic
@pytest.mark.parametrize(("value", "words"), NOT_A_MESSAGE)
def test_what_is_no_message_is_refused_on_every_topic(
    topic: Topic[Any], value: bytes | None, words: str
) -> None:
    assert words in complaint(topic, value)


@pytest.mark.parametrize(
    "junk", [None, 7, 1.5, True, "\x00", [], {}, [[]], {"a": {}}, "x" * 5000, -1, 10**30]
)
@each_topic
def test_any_wrong_value_in_any_field_is_read_or_refused(topic: Topic[Any], junk: Any) -> None:
    """Nothing else may come out of decode or of the key: a crash there would stop the partition
    for good."""
    for example in (one for one in examples() if one.topic is topic):
        for field in example.document:
            try:
                message = topic.decode(wire(example.document, **{field: junk}))
            except ValidationError:
                continue
            assert isinstance(topic.key(message), str)
            assert topic.decode(topic.encode(message)) == message


WRONG = [
    pytest.param({"body": 5}, "body: Input should be a valid string", id="a number for a text"),
    pytest.param({"body": None}, "body: Input should be a valid string", id="null for a text"),
    pytest.param(
        {"body": {"text": "x"}}, "body: Input should be a valid string", id="an object for a text"
    ),
    pytest.param(
        {"to": 14155550142}, "to: Input should be a valid string", id="a number for a number"
    ),
    pytest.param({"tenant": ""}, "tenant: String should match pattern", id="an empty tenant"),
    pytest.param(
        {"tenant": "a/b"}, "tenant: String should match pattern", id="a slash in a tenant"
    ),
    pytest.param(
        {"message_id": "a b"}, "message_id: String should match pattern", id="a blank in an id"
    ),
    pytest.param(
        {"message_id": "a\n"}, "message_id: String should match pattern", id="a line's end in an id"
    ),
    pytest.param(
        {"message_id": "a\0"}, "message_id: String should match pattern", id="NUL in an id"
    ),
    pytest.param(
        {"message_id": "é"}, "message_id: String should match pattern", id="an accent in an id"
    ),
    pytest.param(
        {"message_id": "x" * 129}, "message_id: String should match pattern", id="a long id"
    ),
    pytest.param(
        {"requested_at": "2026-03-05T15:04:05"},
        "requested_at: Input should be a valid datetime with its offset",
        id="naive",
    ),
    pytest.param(
        {"requested_at": "2026-03-05"},
        "requested_at: Input should be a valid datetime with its offset",
        id="only a day",
    ),
    pytest.param(
        {"not_before": "15:04"},
        "not_before: Input should be a valid datetime",
        id="only a time of day",
    ),
    pytest.param(
        {"valid_until": "soon"},
        "valid_until: Input should be a valid datetime",
        id="a word for a time",
    ),
    pytest.param(
        {"valid_until": "2026-02-30T00:00:00Z"},
        "valid_until: Input should be a valid datetime",
        id="no day",
    ),
    pytest.param(
        {"requested_at": "9999-12-31T23:59:59-01:00"},
        "requested_at: Value error, a time outside of the years 1 to 9999 UTC",
        id="a time that UTC has no year for",
    ),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_a_wrong_field_is_named(changes: dict[str, Any], words: str) -> None:
    assert complaint(SEND_REQUESTS, wire(REQUEST, **changes)).startswith(words)


@pytest.mark.parametrize("field", REQUEST)
def test_a_missing_field_is_named(field: str) -> None:
    rest = {name: value for name, value in REQUEST.items() if name != field}
    assert complaint(SEND_REQUESTS, wire(rest)) == f"{field}: Field required"


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        SEND_REQUESTS.decode(b"{}")
    assert {error["loc"] for error in refused.value.errors()} == {(field,) for field in REQUEST}


READ = [
    pytest.param({"surprise": {"a": 1}}, {}, id="an unknown field"),
    pytest.param({"kind": "survey"}, {"kind": "survey"}, id="an unknown kind: the gate answers it"),
    pytest.param({"kind": ""}, {"kind": ""}, id="an empty kind: the gate answers it"),
    pytest.param({"body": ""}, {"body": ""}, id="an empty body: the gate answers it"),
    pytest.param({"body": "a\0b"}, {"body": "a\0b"}, id="an escaped NUL in a body"),
    pytest.param(
        {"body": "x" * 1601}, {"body": "x" * 1601}, id="a body over 1,600: the gate answers it"
    ),
    pytest.param({"body": "é" * 2**20}, {"body": "é" * 2**20}, id="a body of 2 MB"),
    pytest.param({"body": "👩‍👩‍👧"}, {"body": "👩‍👩‍👧"}, id="a surrogate pair is a character"),
    pytest.param({"branch": None}, {"branch": None}, id="null for what may be left out"),
    pytest.param({"to": ""}, {"number_key": "acme/"}, id="an empty number: the gate answers it"),
    pytest.param(
        {"to": "n/a"}, {"number_key": "acme/na"}, id="a slash in a number makes no other key"
    ),
    pytest.param(
        {"to": "(415) 555-0142"},
        {"number_key": "acme/4155550142"},
        id="no plus: no country is guessed",
    ),
]


@pytest.mark.parametrize(("changes", "found"), READ)
def test_what_is_read_all_the_same(changes: dict[str, Any], found: dict[str, Any]) -> None:
    message = request(**changes)
    assert {name: getattr(message, name) for name in found} == found


def test_the_last_of_two_equal_fields_holds() -> None:
    assert SEND_REQUESTS.decode(wire(REQUEST)[:-1] + b',"body":"Bye"}').body == "Bye"


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-05T09:04:05-06:00",
        "2026-03-05T15:04:05.000Z",
        "2026-03-05 15:04:05+00:00",
    ],
)
def test_a_time_is_kept_in_utc_however_it_is_written(written: object) -> None:
    assert request(requested_at=written) == request()
    assert b'"requested_at":"2026-03-05T15:04:05Z"' in SEND_REQUESTS.encode(
        request(requested_at=written)
    )


def test_a_control_of_a_newer_version_is_passed_over() -> None:
    found = DISPATCH_CONTROLS.decode(b'{"type":"slow_down","sender":"72975","factor":0.5}')
    assert found == UnknownControl(type="slow_down", sender="72975")
    assert DISPATCH_CONTROLS.key(found) == "72975"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b'{"sender":"72975"}', "unknown.type: Field required"),
        (b'{"type":null,"sender":"72975"}', "unknown.type: Input should be a valid string"),
        (b'{"type":["stop"],"sender":"72975"}', "unknown.type: Input should be a valid string"),
        (b'{"type":"slow_down"}', "unknown.sender: Field required"),
        (wire({**STOP, "number": None}), "stop.number: Input should be a valid string"),
    ],
)
def test_a_control_that_cannot_be_read(value: bytes, words: str) -> None:
    assert complaint(DISPATCH_CONTROLS, value) == words


def test_a_stop_for_all_tenants_may_say_so_or_say_nothing() -> None:
    said, silent = (
        DISPATCH_CONTROLS.decode(wire(stop)) for stop in (STOP | {"tenant": None}, STOP)
    )
    assert isinstance(said, Stop)
    assert said == silent


@pytest.mark.parametrize("attempt", [2**53, -(2**53), 10**30, 1.5, "one", None])
def test_a_number_that_no_database_holds_is_refused(attempt: object) -> None:
    receipt = next(one for one in examples() if one.topic is DELIVERY_RECEIPTS).document
    assert complaint(DELIVERY_RECEIPTS, wire(receipt, attempt=attempt)).startswith(
        "attempt: Input should be"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pace": 0}, "pace: Input should be greater than 0"),
        ({"pace": float("inf")}, "pace: Input should be a finite number"),
        ({"pace": float("nan")}, "pace: Input should be a finite number"),
        ({"sender": "Harbor"}, "sender: String should match pattern"),
        ({"owner": "b"}, ": Value error, give either owner"),
    ],
)
def test_a_sender_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    sender = {"sender": "72975", "kind": "short_code", "shared_by": ["a"]}
    assert complaint(SENDERS, wire(sender, **changes)).startswith(words)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "EST5EDT4"])
def test_a_time_zone_that_cannot_be(zone: str) -> None:
    settings = {"tenant": "a", "name": "A", "sender": "72975", "time_zone": zone}
    assert "time_zone: Value error, unknown time zone" in complaint(SETTINGS, wire(settings))


def test_settings_name_exactly_themselves() -> None:
    one = TenantSettings(tenant="a", name="A", sender="72975")
    assert one.version == SETTINGS.decode(SETTINGS.encode(one)).version
    assert one.version != one.model_copy(update={"sender": "72976"}).version
    assert len(one.version) == 12


def test_a_dead_letter_tells_nothing_from_empty() -> None:
    letters = {one.name: one.message for one in examples() if one.topic is DEAD_LETTERS}
    assert letters["tombstone"].value_bytes is None
    assert letters["empty-value-is-not-none"].value_bytes == b""
    assert b"\\ud83d" in letters["half-a-character"].value_bytes


def test_a_slash_in_a_part_makes_no_other_row() -> None:
    row = next(one for one in examples() if one.topic is USAGE_REPORT).document
    one, other = (
        wire(row, branch=branch, sender=sender) for branch, sender in (("a/b", "c"), ("a", "b/c"))
    )
    assert USAGE_REPORT.key(USAGE_REPORT.decode(one)) != USAGE_REPORT.key(
        USAGE_REPORT.decode(other)
    )


def test_half_a_character_cannot_be_written() -> None:
    """Made in Python by a careless edge: it is the writer's fault, and shows there."""
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        SEND_REQUESTS.encode(request().model_copy(update={"body": "\ud83d"}))


def test_a_fact_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        request().body = "other"  # type: ignore[misc]
