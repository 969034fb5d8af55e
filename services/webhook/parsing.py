"""Parse a callback's form into a message, or into a sentence that says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import ValidationError

from schemas.attempt import DeliveryReceipt
from schemas.base import Message
from schemas.inbound import CarrierKeyword, InboundMessage

IDENTITY: Final = ("tenant", "message_id", "attempt")
"""What identifies our attempt, in the query of the callback's URL."""
MAX_MEDIA: Final = 10
_KEYWORDS: Final = {keyword.value: keyword for keyword in CarrierKeyword}
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_COUNT: Final = re.compile(r"[1-9][0-9]{0,3}")

M = TypeVar("M", bound=Message)


class InvalidCallback(NamedTuple):
    words: str
    """What to correct, without the values: they may be a phone number or a text."""


def parse_receipt(
    query: Mapping[str, str], form: Mapping[str, str], now: datetime, account: str = ""
) -> DeliveryReceipt | InvalidCallback:
    """The query has our attempt's identity, as the send call wrote it. The form is Twilio's.

    `account`: the SID of the account that we send from, where it is known.
    """
    if missing := _missing(query, *IDENTITY):
        return InvalidCallback(f"the StatusCallback URL must carry {missing} in its query")
    if missing := _missing(form, "MessageSid", "MessageStatus"):
        return InvalidCallback(f"the form must have {missing}")
    attempt = query["attempt"]
    fields = {name: query[name] for name in IDENTITY} | {
        "attempt": int(attempt) if _WHOLE.fullmatch(attempt) else attempt,
        "provider_id": form["MessageSid"],
        "status": form["MessageStatus"],
        "error_code": form.get("ErrorCode") or None,
        "received_at": now,
        "foreign": True if account and form.get("AccountSid", account) != account else None,
        "raw": dict(form),
    }
    return _validate(DeliveryReceipt, fields)


def parse_inbound(form: Mapping[str, str], now: datetime) -> InboundMessage | InvalidCallback:
    """A text to a messaging service arrives at one number of its pool; the sender is the
    service."""
    if missing := _missing(form, "MessageSid", "From", "To"):
        return InvalidCallback(f"the form must have {missing}")
    media = (form.get(f"MediaUrl{number}") for number in range(MAX_MEDIA))
    segments = form.get("NumSegments", "")
    keyword = _KEYWORDS.get(form.get("OptOutType", "").strip().casefold())
    fields = {
        "provider_id": form["MessageSid"],
        "sender": form.get("MessagingServiceSid") or form["To"],
        "to_address": form["To"],
        "number": form["From"],
        "body": form.get("Body", ""),
        # A STOP must not be lost for an unreadable count: a callback that we refuse does not come
        # again.
        "num_segments": int(segments) if _COUNT.fullmatch(segments) else 1,
        "media": tuple(url for url in media if url),
        "carrier_stop": True if keyword is CarrierKeyword.STOP else None,
        "carrier_keyword": keyword,
        "received_at": now,
    }
    return _validate(InboundMessage, fields)


def _missing(given: Mapping[str, str], *names: str) -> str:
    return ", ".join(name for name in names if not given.get(name))


def _validate(kind: type[M], fields: Mapping[str, Any]) -> M | InvalidCallback:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        return InvalidCallback("; ".join(problems))
