"""Our signature check believes what Twilio's own validator believes, and nothing else."""

from __future__ import annotations

import random
from urllib.parse import urlencode

from hypothesis import example, given, settings
from hypothesis import strategies as some
from multidict import MultiDict
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from services.webhook.signature import Signature

TOKEN = "12345"
VALIDATOR = RequestValidator(TOKEN)

words = some.text(some.characters(codec="utf-8"), max_size=8)
names = some.sampled_from(["Body", "To", "to", "MediaUrl0", "MediaUrl", "", "A b", "Ä"]) | words
"""Few, so that names repeat, and some are the beginning of others."""
values = some.sampled_from(["", "", "x", "+14155550100", "a&b=c"]) | words
forms = some.lists(some.tuples(names, values), max_size=12)
hosts = some.sampled_from(
    ["sms.example.com", "127.0.0.1", "[::1]", "user@example.com", "EXAMPLE.com", "bücher.example"]
)
ports = some.sampled_from(["", ":443", ":80", ":8410", ":0", ":"])
paths = some.sampled_from(["", "/", "/app", "/app/", "/a//", "/a;b", "/a;"])
schemes = some.sampled_from(["http", "https", "HTTPS"])
public_urls = some.builds("{}://{}{}{}".format, schemes, hosts, ports, paths)
tails = some.text("abc/?;#&=%2B +ä\t\n[]@:", max_size=10)
targets = some.builds("/twilio/status{}".format, some.just("?tenant=acme&message_id=m-1") | tails)
signed_at = some.sampled_from(["as it is", "with port", "without port", "elsewhere"])
BASES = {"http": ":80", "https": ":443"}


def signed(at: str, public_url: str, target: str, fields: list[tuple[str, str]]) -> str:
    """By the one who knows the token, who may have written the address otherwise."""
    scheme, _, rest = public_url.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    bare = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    host = {
        "as it is": host,
        "with port": bare + BASES[scheme.lower()],
        "without port": bare,
        "elsewhere": "x.com",
    }[at]
    return str(
        VALIDATOR.compute_signature(f"{scheme}://{host}{slash}{path}{target}", MultiDict(fields))
    )


@example("http://[::1]:443", "/twilio/status;2", [], "as it is", random.Random(1))
@settings(max_examples=500)
@given(public_urls, targets, forms, signed_at, some.randoms())
def test_both_believe_the_same(public_url, target, fields, at, chance) -> None:  # type: ignore[no-untyped-def]
    """Names that repeat, several values of one, blank ones, letters of any kind, in any order."""
    signature = signed(at, public_url, target, fields)
    sent = fields.copy()
    chance.shuffle(sent)
    believed = VALIDATOR.validate(public_url.rstrip("/") + target, MultiDict(sent), signature)
    form = Signature(SecretStr(TOKEN), public_url).form(target, urlencode(sent).encode(), signature)
    assert (form is not None) == believed
    if form is not None:
        assert form == dict(MultiDict(sent)), "of a name that comes twice, the first counts"


@settings(max_examples=500)
@given(forms, forms)
def test_no_form_is_believed_by_the_signature_of_another(fields, others) -> None:  # type: ignore[no-untyped-def]
    public_url, target = "https://sms.example.com", "/twilio/inbound"
    signature = signed("as it is", public_url, target, fields)
    believed = VALIDATOR.validate(public_url + target, MultiDict(others), signature)
    form = Signature(SecretStr(TOKEN), public_url).form(
        target, urlencode(others).encode(), signature
    )
    assert (form is not None) == believed


@settings(max_examples=500)
@given(some.text(), some.binary(), some.text())
def test_nothing_that_comes_raises(target: str, body: bytes, signature: str) -> None:
    """Half characters, control characters, bytes that are no text: not believed, and no error."""
    believer = Signature(SecretStr(TOKEN), "https://sms.example.com")
    for aimed in (target, "/" + target):
        assert believer.form(aimed, body, signature) is None
