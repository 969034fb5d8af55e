"""No number and no text comes into a log, not even by way of a traceback."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from services.observability.logs import mask_line

SCRIPT = """
import logging, structlog
from schemas.send_request import SendRequest
from services.observability.logs import set_up

set_up("test")
number, secret = "+1415" + "5550101", "see you " + "at nine"
wrong = {"message_id": "m1", "tenant": "acme", "to": [number], "body": {"x": secret}, "kind": "direct"}
log = structlog.get_logger() if %r == "ours" else logging.getLogger("library")
try:
    SendRequest.model_validate(wrong)
except ValueError:
    log.exception("cannot be read")
try:
    raise LookupError(f"nobody has {number}")
except LookupError:
    log.exception("lost")
"""


@pytest.mark.parametrize("whose", ["ours", "a library's"])
def test_a_traceback_has_neither_number_nor_text(whose: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT % whose], capture_output=True, text=True, check=True
    )
    assert "Input should be a valid string" in done.stderr
    assert "nobody has +141" in done.stderr
    assert "4155550101" not in done.stderr
    assert "see you at nine" not in done.stderr


HIDDEN = [
    "+14155550101",
    "to=%2B14155550101&from=x",
    "+1 (415) 555-0101",
    "nobody has 14155550101",
    "call (415) 555-0101",
    "415-555-0101",
    {"+14155550101": 1},
    ValueError("no such number: +14155550101"),
]
SHOWN = [
    "2026-11-29T01:51:53.123456+00:00",
    "SM" + "0123456789" * 3 + "01",
    "sms.attempts@0:12345678901",
    "sms.attempts/3@12345678901",
    "0x7f3a12345678",
]


@pytest.mark.parametrize("value", HIDDEN, ids=str)
def test_a_number_is_masked_however_it_is_written(value: object) -> None:
    line = str(mask_line(None, "", {"event": value}))
    assert "•" in line
    assert not re.search(r"555.?0101", line)


@pytest.mark.parametrize("value", SHOWN)
def test_an_identifier_is_not_masked(value: str) -> None:
    assert mask_line(None, "", {"event": value}) == {"event": value}
