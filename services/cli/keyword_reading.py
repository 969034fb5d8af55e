"""`sayso keywords --read`: what each line of a file means, one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from schemas.tenant_settings import TenantSettings
from services.operations.errors import InvalidRequest
from streams.inbound_keywords import classify_reply

_STANDARD_INPUT = "-"
_MARK = b"\xef\xbb\xbf"
"""What some editors put before UTF-8 text."""


def read_texts(file: str) -> list[str]:
    """One text a line, blank lines too.  Bytes that are no UTF-8 become U+FFFD.  Raises
    InvalidRequest."""
    lines = _read_bytes(file).removeprefix(_MARK).split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]


def classify_lines(texts: list[str], tenant: TenantSettings | None) -> Iterator[str]:
    """A line end within a text is written `\\n`, as in labelled texts."""
    for text in texts:
        found = classify_reply(text.replace("\\n", "\n"), tenant)
        yield json.dumps({"text": text, "meaning": found.meaning.value, "by": found.by})


def _read_bytes(file: str) -> bytes:
    if file == _STANDARD_INPUT:
        stream = getattr(sys.stdin, "buffer", None)
        return stream.read() if stream is not None else sys.stdin.read().encode("utf-8", "replace")
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is none of a file"
        raise InvalidRequest(f"{file} cannot be read: {reason}") from None
