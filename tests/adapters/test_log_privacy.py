"""No number and no text comes into a log, not even by way of a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
