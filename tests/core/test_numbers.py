"""One number has one identity, whatever its writing."""

from __future__ import annotations

import phonenumbers
import pytest

from schemas.number_writings import WritingRule, former_writings, writing_rules
from schemas.numbers import e164
from streams.gate.number_validation import validate_number


@pytest.mark.parametrize("rule", writing_rules(), ids=lambda rule: rule.example)
def test_each_rule_brings_its_example_to_the_identity(rule: WritingRule) -> None:
    assert e164(rule.example) == rule.example_identity
    assert e164(rule.example_identity) == rule.example_identity
    assert validate_number(rule.example_identity).problem in ("", "shared_cost"), "a real number"
    assert rule.source


@pytest.mark.parametrize("rule", [one for one in writing_rules() if one.known], ids=str)
def test_a_former_writing_is_found_from_the_identity_and_leads_back(rule: WritingRule) -> None:
    formers = former_writings(rule.example_identity)
    assert formers
    assert {e164(one) for one in formers} == {rule.example_identity}
    assert rule.example_identity not in formers


@pytest.mark.parametrize(
    ("written", "identity"),
    [
        ("+5215512345678", "+525512345678"),
        ("+52 1 55 1234 5678", "+525512345678"),
        ("whatsapp:+5215512345678", "+525512345678"),
        ("+54 11 2345-6789", "+5491123456789"),
        ("+54 11 15 2345-6789", "+5491123456789"),
        ("+54 9 11 2345-6789", "+5491123456789"),
        ("+54 0 9 11 2345-6789", "+5491123456789"),
        ("+55 11 8765-4321", "+5511987654321"),
        ("+55 (0)15 11 98765-4321", "+5511987654321"),
        ("+55 11 2345-6789", "+551123456789"),
        ("rcs:+13125550177", "+13125550177"),
        ("RCS: +1 312 555 0177", "+13125550177"),
        ("tel:+1-312-555-0177;ext=5", "+13125550177"),
        ("tel:555-0177;phone-context=+1312", "+13125550177"),
        ("sms:+13125550177?body=hello", "+13125550177"),
        ("sip:+13125550177@example.com", "+13125550177"),
        ("+13125550177;ext=12", "+13125550177"),
        ("+13125550177x12", "+13125550177"),
        ("+1 (312) 555-0177 ext. 12", "+13125550177"),
        ("+1 312 555 0177 #12", "+13125550177"),
        ("+1 312 555 0177,,12", "+13125550177"),
        ("+113125550177", "+13125550177"),
        ("+4402079460000", "+442079460000"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("+004420 7946 0000", "+442079460000"),
        ("+390612345678", "+390612345678"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+39 (0)6 1234 5678", "+390612345678"),
        ("+7 8 912 345-67-89", "+79123456789"),
        ("+36 06 20 123 4567", "+36201234567"),
        ("+225 07 23 45 67", "+2250707234567"),
        ("+225 07 07 23 45 67", "+2250707234567"),
        ("+229 90 01 12 34", "+2290190011234"),
        ("+84 168 345 6789", "+84383456789"),
        (
            "\uff0b\uff11\uff13\uff11\uff12\uff15\uff15\uff15\uff10\uff11\uff17\uff17",
            "+13125550177",
        ),
        ("+\u0661\u0663\u0661\u0662\u0665\u0665\u0665\u0660\u0661\u0667\u0667", "+13125550177"),
        ("\u202a+1\u2060312\u200b555\u00a00177\u202c", "+13125550177"),
        ("+1\u2011312\u2013555\u22120177", "+13125550177"),
        ("%2B13125550177", "+13125550177"),
    ],
)
def test_writings(written: str, identity: str) -> None:
    assert e164(written) == identity


@pytest.mark.parametrize(
    "written",
    [
        "3125550177",
        "72645",
        "HARBOR",
        "MG0123456789abcdef",
        "+13125550177, +13125550178",
        "+13125550177;+13125550178",
        "+1 312 FLOWERS",
        "",
        "+",
        "rcs:harbor_agent",
        "+1" * 300,
    ],
)
def test_what_names_no_one_number_is_not_made_one(written: str) -> None:
    assert validate_number(e164(written)).problem


def test_what_is_no_number_keeps_the_key_that_it_had() -> None:
    assert e164("HARBOR-LAW") == "HARBORLAW"
    assert e164("(312) 555-0177") == "3125550177"


def test_a_number_of_one_country_is_never_another_valid_number() -> None:
    """Except where the rules say that both are one: Argentina writes a mobile number in two
    ways."""
    changed = {
        number: e164(number)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in phonenumbers.PhoneNumberType.values()
        if (example := phonenumbers.example_number_for_type(region, kind))
        and (number := phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
        and e164(number) != number
    }
    assert changed == {"+541123456789": "+5491123456789"}


def test_hostile_writings_are_read_in_little_time() -> None:
    for written in ("+1" + "," * 100_000, "1 " * 50_000, "+" * 100_000, "tel:" * 30_000):
        assert validate_number(e164(written)).problem
