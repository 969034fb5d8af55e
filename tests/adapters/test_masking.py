"""A recipient's number is hidden however it was written; what only looks like one is not."""

from __future__ import annotations

import pytest

from schemas.numbers import mask_text
from services.masking import mask

WRITTEN = [
    "+14155550101",
    "+1 415 555 0101",
    "+1 (415) 555-0101",
    "+1.415.555.0101",
    "+1\u00a0415\u2011555\u20110101",
    "(415) 555-0101",
    "415-555-0101",
    "4155550101",
    "+４４２０７９４６０００１",
    "+44 20 7946 0001",
]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("field", ["to", "number", "To", "requested_by", "reason"])
def test_a_number_is_hidden_however_it_was_written(field: str, written: str) -> None:
    shown = mask({field: written})[field]
    assert "•" in shown
    assert sum(sign.isdigit() for sign in shown) <= 7
    assert mask({field: shown})[field] == shown, "hidden again it is the same"


@pytest.mark.parametrize("field", ["to", "number"])
def test_a_field_for_a_number_is_masked_whatever_it_holds(field: str) -> None:
    assert mask({field: "anna: 555 0101"})[field] != "anna: 555 0101"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 12:00:00.5",
        "2026-11-21T12:00:00+00:00",
        "12 of 1,234,567 messages",
        "sms.outcomes@0:12345678",
        "ledger-2026-11-21",
        "3 - 2 + 1",
    ],
)
def test_what_only_looks_like_one_is_shown(text: str) -> None:
    assert mask_text(text) == text


def test_an_offset_of_twelve_digits_is_no_phone_number() -> None:
    event = {
        "place": "sms.outcomes@3:123456789012",
        "origin": "sms.attempts@0:1234567890",
        "offset": 1234567890,
    }
    assert mask(event) == event
