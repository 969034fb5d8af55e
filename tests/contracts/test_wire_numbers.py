"""A number is one number, however people write it: in keys, and on screens."""

from __future__ import annotations

import json

import pytest

from schemas.catalog.examples import examples
from schemas.numbers import e164, mask_number
from schemas.topics import BY_NAME, TOPICS

NUMBERS = [
    "+14155550142",
    "+1 415 555 0142",
    "+1 (415) 555-0142",
    "+1.415.555.0142",
    "+1/415/555/0142",
    " +14155550142\n",
    "+1\u00a0415\u00a0555\u00a00142",
    "+1\u2011415\u2013555\u22120142",
    "\u202a+1 415-555-0142\u202c",
    "\ufeff+14155550142\u200b",
    "tel:+1-415-555-0142;ext=7",
    "rcs:+14155550142",
    "+14155550142x12",
    "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff14\uff12",
]
NUMBER_FIELDS = [
    ("sms.send-requests", "to"),
    ("sms.consent-events", "number"),
    ("sms.inbound", "number"),
    ("sms.replies", "number"),
    ("sms.contacts", "number"),
    ("sms.number-facts", "number"),
    ("sms.request-cancels", "number"),
    ("sms.approvals", "number"),
    ("sms.case-numbers", "number"),
    ("sms.thread-events", "number"),
    ("sms.thread-messages", "number"),
]
OURS = {
    "sms.consent-log",
    "sms.consent-status",
    "sms.returned",
    "sms.approval-log",
    "sms.number-moves",
    "sms.threads",
}
"""Written by processors alone: there a number is E.164 already."""


@pytest.mark.parametrize("written", NUMBERS)
@pytest.mark.parametrize(("name", "field"), NUMBER_FIELDS)
def test_a_key_does_not_depend_on_how_people_write_a_number(
    name: str, field: str, written: str
) -> None:
    topic = BY_NAME[name]
    document = {**next(one for one in examples() if one.topic is topic).document, field: written}
    assert topic.key(topic.decode(json.dumps(document).encode())).endswith("/+14155550142")


def test_every_topic_filed_by_number_is_tried() -> None:
    by_number = {topic.name for topic in TOPICS if topic.keyed_by.endswith("/number")}
    assert by_number == {name for name, _ in NUMBER_FIELDS} | OURS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+1 415 555 0142", "+14155550142"),
        ("0014155550142", "0014155550142"),
        ("415-555-0142", "4155550142"),
        ("tel:4155550142", "tel:4155550142"),
        ("+141••••0142", "+141••••0142"),
        ("", ""),
    ],
)
def test_what_has_no_country_code_keeps_its_digits(written: str, read: str) -> None:
    assert e164(written) == read
    assert e164(read) == read


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+14155550142", "+141••••0142"),
        ("+29012345", "+••••••••"),
        ("72975", "7••••"),
        ("", ""),
        ("+", "+"),
    ],
)
def test_a_masked_number_cannot_be_called(number: str, shown: str) -> None:
    assert mask_number(number) == shown
