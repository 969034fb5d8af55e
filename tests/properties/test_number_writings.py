"""Whatever people put around the digits of a number, its identity stays."""

from __future__ import annotations

import phonenumbers
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from schemas.number_writings import former_writings
from schemas.numbers import e164

_EXAMPLES = sorted(
    {
        phonenumbers.format_number(example, PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
        if (example := phonenumbers.example_number_for_type(region, kind))
    }
)
numbers = st.sampled_from(_EXAMPLES) | st.from_regex(r"\+1[2-9]\d{9}", fullmatch=True)
signs = st.text(" -.()/\u00a0\u200b\u200e\u202a\u2011\u2212\u3000", max_size=3)
digits = st.sampled_from(
    ["0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"]
)
before = st.sampled_from(["", "tel:", "sms:", "rcs:", "whatsapp:", "RCS:", " "])
after = st.sampled_from(["", ";ext=7", " x12", " ext. 9", "#4", ",5", " "])


@given(numbers, before, after, digits, st.data())
def test_signs_scripts_prefixes_and_extensions_change_nothing(
    number: str, prefix: str, suffix: str, script: str, data: st.DataObject
) -> None:
    written = "".join(script[int(digit)] + data.draw(signs) for digit in number[1:])
    assert e164(f"{prefix}+{written}{suffix}") == e164(number)


@given(numbers)
def test_an_identity_is_its_own(number: str) -> None:
    identity = e164(number)
    assert e164(identity) == identity
    assert all(e164(former) == identity for former in former_writings(identity))


@given(numbers)
def test_what_the_library_takes_for_one_number_is_one_here(number: str) -> None:
    """Its parser drops trunk prefixes; where it finds the number again, so do we."""
    parsed = phonenumbers.parse(number)
    national = phonenumbers.national_significant_number(parsed)
    region = phonenumbers.region_code_for_number(parsed)
    assume(region is not None)
    prefix = phonenumbers.ndd_prefix_for_region(region, True)
    assume(prefix)
    written = f"+{parsed.country_code}{prefix}{national}"
    assume(phonenumbers.parse(written) == parsed)
    assert e164(written) == e164(number)


@given(st.text(max_size=40))
def test_any_text_has_an_identity_that_stays(written: str) -> None:
    assert e164(e164(written)) == e164(written)
