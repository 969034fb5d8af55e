from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.number_validation import METADATA_VERSION, PROBLEMS, _parse, validate_number
from streams.gate.rule_context import check_number
from streams.gate.state import NumberState


@pytest.mark.parametrize(
    ("number", "region", "problem"),
    [
        ("+14155550100", "US", ""),
        ("+12042345678", "CA", ""),
        ("+15005550006", "US", ""),
        ("+447911123456", "GG", ""),
        ("4155550100", "", "no_plus"),
        ("", "", "no_plus"),
        ("+", "", "unreadable"),
        ("+1415555010", "", "impossible"),
        ("+10155550100", "", "impossible"),
        ("+11155550100", "", "impossible"),
        ("+1911", "", "impossible"),
        ("+99912345678", "", "unreadable"),
        ("+1415GOFORIT", "", "unreadable"),
        ("+14155550100x3", "", "unreadable"),
        ("+1" * 300, "", "unreadable"),
        ("+18005550100", "US", "toll_free"),
        ("+19005550100", "US", "premium"),
        ("+491805123456", "DE", "shared_cost"),
        ("+41860791234567", "CH", "voicemail"),
        ("+447640123456", "GB", "pager"),
        ("+8613800138000", "CN", ""),
    ],
)
def test_dialable(number: str, region: str, problem: str) -> None:
    assert validate_number(number) == (region, problem)


@given(st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True))
def test_a_north_american_number_is_what_the_metadata_reads(number: str) -> None:
    parsed = phonenumbers.parse(number, None)
    assert _parse(number) == parsed
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


def test_what_older_metadata_said_is_asked_again() -> None:
    told = validate_number("+14155550100")
    kept = NumberState(region="", problem="impossible", checked_by="8.0.0")
    again = check_number(kept, "+14155550100")
    assert (again.region, again.problem, again.checked_by) == (*told, METADATA_VERSION)
    assert check_number(again.model_copy(update={"region": "XX"}), "+14155550100").region == "XX"


def test_every_problem_has_words() -> None:
    assert all(reason and next_step for reason, next_step in PROBLEMS.values())
