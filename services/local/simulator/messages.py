"""Message resources as Twilio keeps, shows and lists them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from math import ceil
from typing import Any, Final
from urllib.parse import urlencode

API_VERSION: Final = "2010-04-01"
FINAL_STATUSES: Final = frozenset({"delivered", "undelivered", "failed", "canceled", "received"})
FILTERS: Final = ("To", "From", "DateSent", "DateSent<", "DateSent>")
PAGE_SIZE: Final = 50

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_SEPTETS: Final = frozenset("\f^{}\\[~]|€")
_GSM: Final = _BASIC | _TWO_SEPTETS


@lru_cache(maxsize=1024)
def count_segments(body: str) -> int:
    """GSM 03.38: 160 septets, or 153 a part; else UCS-2: 70 UTF-16 units, or 67 a part.

    Written apart from the product's own, because the simulator checks the product.
    """
    if _GSM.issuperset(body):
        return _count_parts(len(body) + sum(char in _TWO_SEPTETS for char in body), 160, 153)
    return _count_parts(len(body.encode("utf-16-le", "surrogatepass")) // 2, 70, 67)


def _count_parts(units: int, alone: int, each: int) -> int:
    return 1 if units <= alone else ceil(units / each)


@lru_cache(maxsize=256)
def _format_rfc_2822(second: int) -> str:
    return formatdate(second).replace("-0000", "+0000")


@dataclass(slots=True, eq=False)
class Message:
    """Times are Unix seconds."""

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
    """Counts the create calls for this number, from 1."""
    sent: float | None = None
    updated: float = field(init=False)
    error: int | None = None
    error_message: str | None = None

    def __post_init__(self) -> None:
        self.updated = self.created

    @property
    def from_address(self) -> str:
        """What opt-outs and queues belong to: the messaging service where there is one."""
        return self.service or self.sender or ""

    def resource(self) -> dict[str, Any]:
        uri = f"/{API_VERSION}/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": _format_rfc_2822(int(self.created)),
            "date_sent": None if self.sent is None else _format_rfc_2822(int(self.sent)),
            "date_updated": _format_rfc_2822(int(self.updated)),
            "direction": self.direction,
            "error_code": self.error,
            "error_message": self.error_message,
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


class MessageStore:
    """The messages that Twilio remembers."""

    def __init__(self, longest_page: int) -> None:
        """`longest_page`: entries a page, whatever page size is asked for."""
        self._longest_page = longest_page
        self._by_sid: dict[str, Message] = {}
        self._by_to: dict[str, list[Message]] = defaultdict(list)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._by_sid.values())

    def add(self, message: Message) -> None:
        self._by_sid[message.sid] = message
        self._by_to[message.to].append(message)

    def get(self, sid: str) -> Message | None:
        return self._by_sid.get(sid)

    def remove(self, message: Message) -> None:
        del self._by_sid[message.sid]
        self._by_to[message.to].remove(message)

    def list_page(
        self, account: str, query: Mapping[str, str], known_by: float | None = None
    ) -> dict[str, Any]:
        """A page of the list: newest first, filtered.

        `known_by`: what was created after these Unix seconds is not in the list yet.
        Raises ValueError for a date or a size that cannot be read.
        """
        size = max(1, min(int(query.get("PageSize", PAGE_SIZE)), self._longest_page))
        number = int(query.get("Page", 0))
        after = query.get("PageToken", "")[2:]
        if "To" in query:
            candidates = self._by_to.get(query["To"], [])
        else:
            candidates = list(self._by_sid.values())
        matching = [
            message for message in reversed(candidates) if _matches(message, query, known_by)
        ]
        after_token = (i + 1 for i, message in enumerate(matching) if message.sid == after)
        start = next(after_token, 0)
        shown = matching[start : start + size]
        has_more = start + size < len(matching)
        return {
            **_links(account, query, size, number, shown[-1].sid if has_more else None),
            "start": number * size,
            "end": number * size + max(len(shown) - 1, 0),
            "page": number,
            "page_size": size,
            "messages": [message.resource() for message in shown],
        }


def _links(
    account: str, query: Mapping[str, str], size: int, number: int, last: str | None
) -> dict[str, str | None]:
    base = f"/{API_VERSION}/Accounts/{account}/Messages.json?"
    kept = {name: query[name] for name in FILTERS if name in query} | {"PageSize": str(size)}

    def link(page: int, token: str = "") -> str:
        parameters = {**kept, "Page": str(page)} | ({"PageToken": token} if token else {})
        return base + urlencode(parameters)

    return {
        "first_page_uri": link(0),
        "next_page_uri": link(number + 1, f"PA{last}") if last else None,
        "previous_page_uri": link(number - 1) if number else None,
        "uri": link(number, query.get("PageToken", "")),
    }


def _matches(message: Message, query: Mapping[str, str], known_by: float | None) -> bool:
    """`DateSent` is null while a text is queued, so no date filter finds it."""
    if known_by is not None and message.created > known_by:
        return False
    if "From" in query and message.sender != query["From"]:
        return False
    dates = [(name[8:], query[name]) for name in FILTERS[2:] if name in query]
    if dates and message.sent is None:
        return False
    return all(_is_within(message.sent or 0.0, sign, text) for sign, text in dates)


def _is_within(sent: float, sign: str, text: str) -> bool:
    """`2026-01-31` means that whole day, a full time that second. Both signs include it."""
    moment = datetime.fromisoformat(text)
    length = 86_400 if len(text) == len("2026-01-31") else 1
    first = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    if sign == "<":
        return sent < first + length
    if sign == ">":
        return sent >= first
    return first <= sent < first + length
