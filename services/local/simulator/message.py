"""A Message resource as Twilio keeps and shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import Any

VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})


@lru_cache(maxsize=256)
def _rfc_2822(second: int) -> str:
    return formatdate(second).replace("-0000", "+0000")


@dataclass(slots=True, eq=False)
class Message:
    """`created`, `sent` and `updated` are Unix seconds.  `ordinal` counts the creates for this number from 1."""

    sid: str
    account: str
    to: str
    sender: str | None
    body: str
    created: float
    service: str | None = None
    callback: str | None = None
    segments: int = 1
    direction: str = "outbound-api"
    status: str = "queued"
    ordinal: int = 0
    sent: float | None = None
    updated: float = field(init=False)
    error: int | None = None
    error_words: str | None = None

    def __post_init__(self) -> None:
        self.updated = self.created

    @property
    def from_address(self) -> str:
        """Whom opt-outs and queues belong to: the messaging service where there is one."""
        return self.service or self.sender or ""

    def resource(self) -> dict[str, Any]:
        uri = f"/{VERSION}/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": VERSION,
            "body": self.body,
            "date_created": _rfc_2822(int(self.created)),
            "date_sent": None if self.sent is None else _rfc_2822(int(self.sent)),
            "date_updated": _rfc_2822(int(self.updated)),
            "direction": self.direction,
            "error_code": self.error,
            "error_message": self.error_words,
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": "0" if self.status in {"accepted", "scheduled"} else str(self.segments),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }
