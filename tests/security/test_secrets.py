"""The search for secrets finds what it says, and shows none; `make check` runs it over all files."""

from __future__ import annotations

import random
import string
import sys
from pathlib import Path

import pytest

from tests.security.secrets import FORMS, find_secrets, main


def chance(letters: str, length: int) -> str:
    """Made here, so that this file holds none."""
    return "".join(random.Random(length).choices(letters, k=length))


HEX = "0123456789abcdef"
WORD = string.ascii_letters + string.digits
SAMPLES = {
    "a Twilio account, key or secret": "sid: AC" + chance(HEX, 32),
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + chance(WORD, 64),
    "a key of a cloud": "AKIA" + chance(string.ascii_uppercase, 16),
    "a token of a code host": "ghp_" + chance(WORD, 36),
    "a token of a chat": "xoxb-" + chance(WORD, 30),
    "a token of a package registry": "npm_" + chance(WORD, 36),
    "a secret of event webhooks": "whsec_" + chance(WORD, 32),
    "a JSON web token": ".".join(
        ("eyJ" + chance(WORD, 20), "eyJ" + chance(WORD, 30), chance(WORD, 40))
    ),
    "a password in an address": "smtp://sayso:" + chance(WORD, 12) + "@mail.firm.com:587",
    "a value of a setting that is secret": "export TWILIO_AUTH_TOKEN=" + chance(HEX, 32),
}


def test_every_form_has_a_sample() -> None:
    assert set(SAMPLES) == set(FORMS)


@pytest.mark.parametrize("what", SAMPLES)
def test_a_secret_of_each_form_is_found(what: str) -> None:
    found = list(find_secrets("a.txt", f"one\n{SAMPLES[what]}\n"))
    assert (2, what) in {(one.line, one.what) for one in found}


@pytest.mark.parametrize(
    "harmless",
    [
        "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN=simulated-token",
        "TWILIO_AUTH_TOKEN: ${TWILIO_AUTH_TOKEN:-simulated-token}",
        "export TWILIO_ACCOUNT_SID=AC... TWILIO_AUTH_TOKEN=...",
        "smtp://user:password@host:587",
        "https://sms.example.com/twilio/status?x=1",
    ],
)
def test_what_only_looks_like_one_is_none(harmless: str) -> None:
    assert list(find_secrets("a.txt", harmless)) == []


def test_what_is_found_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = SAMPLES["a token of a code host"]
    (tmp_path / "notes.txt").write_text(f"\n\n{secret}\n")
    monkeypatch.setattr(sys, "argv", ["secrets", str(tmp_path / "notes.txt")])
    assert main() == 1
    said = capsys.readouterr().err
    assert "notes.txt:3: a token of a code host" in said
    assert secret not in said
