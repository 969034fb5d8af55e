"""Callbacks read into facts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.attempt import DeliveryReceipt
from schemas.inbound import InboundMessage
from services.webhook.parsing import InvalidCallback, parse_inbound, parse_receipt

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUERY = {"tenant": "acme", "message_id": "m-1", "attempt": "2"}
STATUS = {
    "MessageSid": "SM1",
    "MessageStatus": "undelivered",
    "ErrorCode": "30003",
    "NewField": "kept",
}
TEXT = {
    "MessageSid": "SM2",
    "From": "+14155550100",
    "To": "24365",
    "Body": "Stop",
    "NumSegments": "1",
}


def test_a_receipt() -> None:
    assert parse_receipt(QUERY, STATUS, NOW) == DeliveryReceipt(
        message_id="m-1",
        tenant="acme",
        attempt=2,
        provider_id="SM1",
        status="undelivered",
        error_code="30003",
        received_at=NOW,
        raw=STATUS,
    )


def test_no_error_code_is_none() -> None:
    read = parse_receipt(QUERY, {**STATUS, "ErrorCode": ""}, NOW)
    assert isinstance(read, DeliveryReceipt)
    assert read.error_code is None


@pytest.mark.parametrize("missing", ["tenant", "message_id", "attempt"])
@pytest.mark.parametrize("how", [{}, {"blank": ""}])
def test_a_receipt_without_identity(missing: str, how: dict[str, str]) -> None:
    query = {name: value for name, value in QUERY.items() if name != missing} | (
        {missing: ""} if how else {}
    )
    read = parse_receipt(query, STATUS, NOW)
    assert isinstance(read, InvalidCallback)
    assert missing in read.words


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"tenant": "a/b"}, "tenant"),
        ({"message_id": "x" * 129}, "message_id"),
        ({"attempt": "two"}, "attempt"),
        ({"attempt": "9" * 40}, "attempt"),
        ({"tenant": "a\x00"}, "tenant"),
    ],
)
def test_a_receipt_with_an_identity_that_is_none(query: dict[str, str], field: str) -> None:
    read = parse_receipt(QUERY | query, STATUS, NOW)
    assert isinstance(read, InvalidCallback)
    assert read.words.startswith(f"{field}: ")
    assert query[field] not in read.words


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
def test_a_receipt_without_its_fields(missing: str) -> None:
    read = parse_receipt(
        QUERY, {name: value for name, value in STATUS.items() if name != missing}, NOW
    )
    assert isinstance(read, InvalidCallback)
    assert missing in read.words


def test_an_inbound() -> None:
    assert parse_inbound(TEXT, NOW) == InboundMessage(
        provider_id="SM2",
        sender="24365",
        to_address="24365",
        number="+14155550100",
        body="Stop",
        received_at=NOW,
    )


def test_an_inbound_to_a_service_with_pictures() -> None:
    service = "MG" + "1" * 32
    more = {
        "MessagingServiceSid": service,
        "NumMedia": "2",
        "MediaUrl0": "https://a/0",
        "MediaUrl1": "https://a/1",
    }
    read = parse_inbound({**TEXT, **more, "Body": "", "NumSegments": "3"}, NOW)
    assert isinstance(read, InboundMessage)
    assert (read.sender, read.to_address, read.body, read.num_segments) == (service, "24365", "", 3)
    assert read.media == ("https://a/0", "https://a/1")


@pytest.mark.parametrize("missing", ["MessageSid", "From", "To"])
def test_an_inbound_without_its_fields(missing: str) -> None:
    read = parse_inbound({name: value for name, value in TEXT.items() if name != missing}, NOW)
    assert isinstance(read, InvalidCallback)
    assert missing in read.words


@pytest.mark.parametrize(
    ("said", "stops", "keyword"),
    [
        ("STOP", True, "stop"),
        ("stop", True, "stop"),
        ("START", None, "start"),
        (" Help", None, "help"),
        ("SOMETHING", None, None),
        ("", None, None),
    ],
)
def test_the_carriers_own_reading(said: str, stops: bool | None, keyword: str | None) -> None:
    read = parse_inbound({**TEXT, "Body": "Basta", "OptOutType": said}, NOW)
    assert isinstance(read, InboundMessage)
    assert (read.carrier_stop, read.carrier_keyword) == (stops, keyword)


@pytest.mark.parametrize("written", ["many", "1.5", "-1", "0", "9" * 40, "١"])
def test_a_stop_is_accepted_whatever_its_segments_are(written: str) -> None:
    read = parse_inbound({**TEXT, "NumSegments": written}, NOW)
    assert isinstance(read, InboundMessage)
    assert (read.body, read.num_segments) == ("Stop", 1)


@pytest.mark.parametrize(
    ("told", "ours", "foreign"),
    [("AC1", "AC1", None), ("AC2", "AC1", True), (None, "AC1", None), ("AC2", "", None)],
)
def test_a_receipt_of_another_account_says_so(
    told: str | None, ours: str, foreign: bool | None
) -> None:
    read = parse_receipt(QUERY, STATUS | ({"AccountSid": told} if told else {}), NOW, ours)
    assert isinstance(read, DeliveryReceipt)
    assert read.foreign is foreign
