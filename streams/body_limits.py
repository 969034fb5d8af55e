"""Texts that no provider takes."""

from __future__ import annotations

from typing import Final

from streams.reasons import Reason

BODY_AT_MOST: Final = 1600
"""Characters in one text: Twilio's limit (error 21617)."""

RULE: Final = "bad_body"


def why_unsendable(body: str) -> Reason | None:
    """What the provider would refuse (Twilio 21602, 21617) is refused here, before anything is paid or queued."""
    if len(body) > BODY_AT_MOST:
        return Reason(
            RULE, f"The text has {len(body)} characters; {BODY_AT_MOST} is the most", "shorten it"
        )
    if not body.strip():
        return Reason(RULE, "The text is empty", "write something")
    if "\0" in body:
        return Reason(
            RULE,
            "The text holds a NUL character",
            "take it out: it comes from a fault in the producer",
        )
    return None
