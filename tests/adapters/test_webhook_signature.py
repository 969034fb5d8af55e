"""Who is believed.  Vectors from the tests of Twilio's SDK; forgeries of our own."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from services.local.simulator.callbacks import sign as simulated
from services.webhook.signature import MAX_FIELDS, Signature

TOKEN = SecretStr("12345")
VECTOR = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
VECTOR_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
"""Of https://mycompany.com/myapp.php?foo=1&bar=2 (twilio-python,
tests/unit/test_request_validator.py)."""

URL = "https://sms.example.com"
TARGET = "/twilio/status?tenant=acme&message_id=m-1&attempt=1"
FORM = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+14155550100", "Blank": ""}


def genuine(url: str = URL, target: str = TARGET, form: dict[str, str] | None = None) -> str:
    return str(
        RequestValidator(TOKEN.get_secret_value()).compute_signature(url + target, form or FORM)
    )


def believed(
    public_url: str = URL,
    target: str = TARGET,
    body: bytes | None = None,
    signature: str | None = None,
) -> bool:
    body = urlencode(FORM).encode() if body is None else body
    return (
        Signature(TOKEN, public_url).form(
            target, body, genuine() if signature is None else signature
        )
        is not None
    )


def test_twilios_own_vector() -> None:
    signature = Signature(TOKEN, "https://mycompany.com")
    form = signature.form("/myapp.php?foo=1&bar=2", urlencode(VECTOR).encode(), VECTOR_SIGNATURE)
    assert form is not None
    assert dict(form) == VECTOR


def test_the_simulator_signs_the_same() -> None:
    assert (
        simulated("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", VECTOR)
        == VECTOR_SIGNATURE
    )


@given(some.dictionaries(some.text(min_size=1), some.text()), some.text())
def test_two_writings_of_the_signature_agree(form: dict[str, str], query: str) -> None:
    url = f"https://sms.example.com/twilio/inbound?{urlencode({'q': query})}"
    assert simulated("12345", url, form) == RequestValidator("12345").compute_signature(url, form)


def test_genuine() -> None:
    assert believed()


def test_the_order_of_fields_does_not_matter() -> None:
    assert believed(body=urlencode(dict(reversed(FORM.items()))).encode())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(urlencode({**FORM, "MessageStatus": "failed"}), id="another status"),
        pytest.param(urlencode({**FORM, "ErrorCode": "30007"}), id="a field more"),
        pytest.param(
            urlencode({name: value for name, value in FORM.items() if value}),
            id="the blank field dropped",
        ),
        pytest.param("", id="no body"),
        pytest.param('{"MessageSid": "SM1"}', id="JSON"),
        pytest.param(
            "&".join(f"a{n}=" for n in range(MAX_FIELDS + 1)), id="more fields than anybody sends"
        ),
    ],
)
def test_another_body(body: str) -> None:
    assert not believed(body=body.encode())


def test_a_body_that_is_no_text() -> None:
    assert not believed(body=b"\xff\xfe=1")


@pytest.mark.parametrize(
    "target",
    [
        "/twilio/status?tenant=acme&message_id=m-2&attempt=1",
        "/twilio/status?message_id=m-1&tenant=acme&attempt=1",
        "/twilio/status?tenant=acme&message_id=m-1&attempt=1&more=1",
        "/twilio/status/?tenant=acme&message_id=m-1&attempt=1",
        "/twilio/inbound?tenant=acme&message_id=m-1&attempt=1",
        "/twilio/status",
        "https://sms.example.com/twilio/status?tenant=acme&message_id=m-1&attempt=1",
        "http://[",
        "",
    ],
)
def test_another_target(target: str) -> None:
    assert not believed(target=target)


@pytest.mark.parametrize(
    "public_url",
    ["http://sms.example.com", "https://sms.example.org", "https://sms.example.com/app"],
)
def test_another_address(public_url: str) -> None:
    assert not believed(public_url=public_url)


@pytest.mark.parametrize("public_url", ["https://sms.example.com:443", "https://sms.example.com/"])
def test_the_same_address_written_differently(public_url: str) -> None:
    """Twilio signs with or without the usual port, as it likes."""
    assert believed(public_url=public_url)


@pytest.mark.parametrize("signature", ["", "x", "ä" * 28, "A" * 28, VECTOR_SIGNATURE])
def test_another_signature(signature: str) -> None:
    assert not believed(signature=signature)


def test_no_signature() -> None:
    assert Signature(TOKEN, URL).form(TARGET, urlencode(FORM).encode(), None) is None


def test_another_token() -> None:
    forged = RequestValidator("54321").compute_signature(URL + TARGET, FORM)
    assert not believed(signature=forged)


def test_a_public_url_with_a_port_and_a_path() -> None:
    url = "http://127.0.0.1:8410/behind/a/proxy"
    assert believed(public_url=url, signature=genuine(url))


@pytest.mark.parametrize(
    "public_url", ["", "sms.example.com", "ftp://sms.example.com", "https://", "https://x.com?a=1"]
)
def test_a_public_url_that_is_none(public_url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL"):
        Signature(TOKEN, public_url)


def test_the_token_shows_in_no_repr() -> None:
    assert "12345" not in repr(Signature(TOKEN, URL).__dict__)


def test_a_forgery_costs_less_than_a_millisecond_of_cpu() -> None:
    """The biggest body that is let through, wrongly signed; the quickest of five rounds."""
    signature = Signature(TOKEN, URL)
    body = urlencode({f"field{n}": "x" * 20 for n in range(MAX_FIELDS - 1)} | FORM).encode()[
        : 64 << 10
    ]
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(100):
            signature.form(TARGET, body, VECTOR_SIGNATURE)
        rounds.append((time.process_time() - began) / 100)
    assert min(rounds) < 0.001
