"""A callback's fields, read into facts.  What is wrong with them comes back as a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from schemas.attempt import DeliveryReceipt
from schemas.inbound import InboundMessage

IDENTITY = ("tenant", "message_id", "attempt")
MOST_MEDIA = 10


class Wrong(NamedTuple):
    """What to put right, without the values: they may be somebody's number or words."""

    words: str


def receipt(
    query: Mapping[str, str], form: Mapping[str, str], now: datetime, account: str = ""
) -> DeliveryReceipt | Wrong:
    """Our identity rides on the query, as the create call wrote it; the rest is Twilio's form.  `account`: the SID of
    the one that we send from, where that is known."""
    missing = [name for name in IDENTITY if not query.get(name)]
    if missing:
        return Wrong(f"the StatusCallback URL must carry {', '.join(missing)} in its query")
    lacking = [name for name in ("MessageSid", "MessageStatus") if not form.get(name)]
    if lacking:
        return Wrong(f"the form must have {', '.join(lacking)}")
    try:
        return DeliveryReceipt.model_validate(
            {
                **{name: query[name] for name in IDENTITY},
                "provider_id": form["MessageSid"],
                "status": form["MessageStatus"],
                "error_code": form.get("ErrorCode") or None,
                "received_at": now,
                "foreign": True if account and form.get("AccountSid", account) != account else None,
                "raw": dict(form),
            }
        )
    except ValidationError as error:
        return Wrong(_fields(error))


def inbound(form: Mapping[str, str], now: datetime) -> InboundMessage | Wrong:
    """To a messaging service the text was sent to one number of its pool: the service is whom we text from."""
    lacking = [name for name in ("MessageSid", "From", "To") if not form.get(name)]
    if lacking:
        return Wrong(f"the form must have {', '.join(lacking)}")
    media = (form.get(f"MediaUrl{place}") for place in range(MOST_MEDIA))
    try:
        return InboundMessage.model_validate(
            {
                "provider_id": form["MessageSid"],
                "sender": form.get("MessagingServiceSid") or form["To"],
                "to_address": form["To"],
                "number": form["From"],
                "body": form.get("Body", ""),
                "num_segments": _count(form.get("NumSegments", "")),
                "media": tuple(url for url in media if url),
                "carrier_stop": True if form.get("OptOutType", "").upper() == "STOP" else None,
                "received_at": now,
            }
        )
    except ValidationError as error:
        return Wrong(_fields(error))


def _count(written: str) -> int:
    """A text is no less of a STOP for a number beside it that cannot be read: refused, it would not come again."""
    return int(written) if re.fullmatch(r"[1-9][0-9]{0,3}", written) else 1


def _fields(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
