"""A signature is believed over the writings of an address that clients may use, and over no other."""

from __future__ import annotations

import pytest
from multidict import MultiDict
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from services.webhook.signature import Signature
from services.webhook.url_writings import LONGEST, list_writings

TOKEN = "12345"
PUBLIC = "https://sms.example.com"
FORM = {"MessageSid": "SM1", "Body": "Hi + ~ %7E"}
BODY = b"MessageSid=SM1&Body=Hi+%2B+%7E+%257E"


def believes(called: str, signed: str, public: str = PUBLIC) -> bool:
    signature = RequestValidator(TOKEN).compute_signature(signed, MultiDict(FORM))
    return Signature(SecretStr(TOKEN), public).form(called, BODY, signature) == FORM


SAME = [
    pytest.param("/twilio/inbound?a=m:1@x", "/twilio/inbound?a=m%3A1%40x", id="as we write it"),
    pytest.param(
        "/twilio/inbound?a=m%3a1%40x", "/twilio/inbound?a=m%3A1%40x", id="hex in lower case"
    ),
    pytest.param("/twilio/inbound?a=%7Eb", "/twilio/inbound?a=~b", id="tilde"),
    pytest.param("/twilio/inbound?a=%21", "/twilio/inbound?a=!", id="exclamation mark"),
    pytest.param("/twilio/inbound?a=O%27Neil", "/twilio/inbound?a=O'Neil", id="apostrophe"),
    pytest.param("/twilio/inbound?a=%28b%29%2A", "/twilio/inbound?a=(b)*", id="brackets"),
    pytest.param("/twilio/inbound?a=b%7Cc", "/twilio/inbound?a=b|c", id="bar"),
    pytest.param("/twilio/inbound?a=b%20c", "/twilio/inbound?a=b c", id="blank"),
    pytest.param("/twilio/inbound?a=b+c", "/twilio/inbound?a=b%20c", id="plus for a blank"),
    pytest.param(
        "/twilio/inbound?a=%5Bb%5D%7B%7D", "/twilio/inbound?a=[b]{}", id="square and curly"
    ),
    pytest.param("/twilio/inbound?a=%24%2C%3B%2F%3F", "/twilio/inbound?a=$,;/?", id="reserved"),
    pytest.param(
        "/twilio/inbound?a=%C3%BC%F0%9F%9B%91", "/twilio/inbound?a=\u00fc\U0001f6d1", id="not ASCII"
    ),
    pytest.param("/a%20b/twilio/inbound", "/a b/twilio/inbound", id="blank in the path"),
    pytest.param("/%7Elaw/twilio/inbound", "/~law/twilio/inbound", id="tilde in the path"),
    pytest.param("/twilio/inbound?a=~%7C", "/twilio/inbound?a=~|", id="some are escaped"),
    pytest.param("/twilio/inbound?a=%7E*", "/twilio/inbound?a=~%2A", id="Java and the others"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_both_writings_are_believed(one: str, other: str) -> None:
    assert believes(one, PUBLIC + other)
    assert believes(other, PUBLIC + one)
    assert believes(one, PUBLIC + one)
    assert believes(one, f"{PUBLIC}:443{other}")


def test_the_public_address_may_be_written_otherwise_too() -> None:
    for public in (f"{PUBLIC}/~law", f"{PUBLIC}/%7Elaw"):
        assert believes("/twilio/inbound", f"{PUBLIC}/~law/twilio/inbound", public)
        assert believes("/twilio/inbound", f"{PUBLIC}/%7Elaw/twilio/inbound", public)


@pytest.mark.parametrize(
    ("called", "signed"),
    [
        pytest.param("/twilio/inbound?a=b%26c=d", "/twilio/inbound?a=b&c=d", id="another field"),
        pytest.param("/twilio/inbound?a%3Db", "/twilio/inbound?a=b", id="an equals sign"),
        pytest.param("/twilio/inbound?a=b+c", "/twilio/inbound?a=b%2Bc", id="a real plus"),
        pytest.param("/twilio/inbound?a=%257E", "/twilio/inbound?a=~", id="escaped twice"),
        pytest.param("/twilio/inbound?a=%257E", "/twilio/inbound?a=%7E", id="escaped twice, once"),
        pytest.param("/twilio%2Finbound", "/twilio/inbound", id="a slash of the path"),
        pytest.param("/twilio/inbound%3Fa=b", "/twilio/inbound?a=b", id="a question mark"),
        pytest.param("/twilio/%73tatus?a=~", "/twilio/status?a=~", id="a letter"),
        pytest.param("/twilio/inbound?a=~", "/twilio/inbound?b=~", id="another name"),
        pytest.param("/twilio/inbound?a=~&b=!", "/twilio/inbound?b=!&a=~", id="another order"),
        pytest.param("/twilio/inbound?a=~%23x", "/twilio/inbound?a=~#x", id="a fragment"),
        pytest.param("/twilio/inbound?a=~", "/twilio/inbound?a=-", id="another character"),
    ],
)
def test_another_address_is_not_believed(called: str, signed: str) -> None:
    assert not believes(called, PUBLIC + signed)
    assert not believes(signed, PUBLIC + called) or "#" in signed


def test_the_work_is_bounded() -> None:
    signs = "/twilio/inbound?a=" + "~!'()|* \u00fc" * 100
    assert len(list(list_writings(signs))) < 40
    assert list(list_writings("/twilio/inbound?a=" + "~" * LONGEST)) == []
    assert list(list_writings("/twilio/status?tenant=acme&message_id=m-1&attempt=1")) == []
