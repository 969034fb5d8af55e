"""What an endpoint of event webhooks may be: its owner, its events, what it is for."""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.blank_text import is_blank
from services.event_webhooks.event_types import PATTERNS, find_unknown
from services.operations.errors import InvalidRequest

LONGEST_ABOUT: Final = 200
"""Characters."""
_MAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,190}")


def check_fields(fields: dict[str, Any]) -> None:
    """Raises InvalidRequest."""
    if "owner" in fields and not _MAIL.fullmatch(fields["owner"]):
        raise InvalidRequest(
            "--owner cannot be used", "write a mail address such as it@acme.example"
        )
    if is_blank(fields.get("about", "x")) and fields.get("about"):
        raise InvalidRequest("--about cannot be used", "it is empty")
    if len(fields.get("about", "")) > LONGEST_ABOUT:
        raise InvalidRequest("--about is too long", f"{LONGEST_ABOUT} characters are the most")
    if "events" in fields:
        if not fields["events"]:
            raise InvalidRequest("--event is missing", f"use some of {', '.join(PATTERNS)}")
        if unknown := find_unknown(fields["events"]):
            raise InvalidRequest(
                f"There is no event {unknown[0]!r}", f"use some of {', '.join(PATTERNS)}"
            )
