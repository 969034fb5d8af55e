"""The messages Twilio remembers, and its way of listing them: newest first, filtered, by pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from services.local.simulator.message import VERSION, Message

FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")
PAGE_SIZE = 50


class Store:
    """`longest_page`: entries a page, whatever is asked for."""

    def __init__(self, longest_page: int) -> None:
        self._longest_page = longest_page
        self._by_sid: dict[str, Message] = {}
        self._by_to: dict[str, list[Message]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._by_sid)

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

    def page(
        self, account: str, query: Mapping[str, str], known_by: float | None = None
    ) -> dict[str, Any]:
        """`known_by`: what was created later (Unix seconds) is not in the list yet.  Raises ValueError for a date or a
        size that cannot be read."""
        size = max(1, min(int(query.get("PageSize", PAGE_SIZE)), self._longest_page))
        number = int(query.get("Page", 0))
        after = query.get("PageToken", "")[2:]
        candidates = (
            self._by_to.get(query["To"], []) if "To" in query else list(self._by_sid.values())
        )
        fitting = [message for message in reversed(candidates) if _fits(message, query, known_by)]
        start = next(
            (place + 1 for place, message in enumerate(fitting) if message.sid == after), 0
        )
        shown = fitting[start : start + size]
        more = start + size < len(fitting)
        return {
            **_links(account, query, size, number, shown[-1].sid if more else None),
            "start": number * size,
            "end": number * size + max(len(shown) - 1, 0),
            "page": number,
            "page_size": size,
            "messages": [message.resource() for message in shown],
        }


def _links(
    account: str, query: Mapping[str, str], size: int, number: int, last: str | None
) -> dict[str, str | None]:
    base = f"/{VERSION}/Accounts/{account}/Messages.json?"
    kept = {name: query[name] for name in FILTERS if name in query} | {"PageSize": str(size)}

    def at(page: int, token: str = "") -> str:
        return base + urlencode(
            {**kept, "Page": str(page)} | ({"PageToken": token} if token else {})
        )

    return {
        "first_page_uri": at(0),
        "next_page_uri": at(number + 1, f"PA{last}") if last else None,
        "previous_page_uri": at(number - 1) if number else None,
        "uri": at(number, query.get("PageToken", "")),
    }


def _fits(message: Message, query: Mapping[str, str], known_by: float | None) -> bool:
    """`DateSent` is null while a text is queued: no date filter finds it."""
    if known_by is not None and message.created > known_by:
        return False
    if "From" in query and message.sender != query["From"]:
        return False
    dates = [(name[8:], query[name]) for name in FILTERS[2:] if name in query]
    if dates and message.sent is None:
        return False
    return all(_within(message.sent or 0.0, sign, written) for sign, written in dates)


def _within(sent: float, sign: str, written: str) -> bool:
    """`2026-01-31` means that whole day, a full time that second; both signs include it."""
    moment = datetime.fromisoformat(written.replace("Z", "+00:00"))
    length = 86_400 if len(written) == len("2026-01-31") else 1
    first = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    return {"": first <= sent < first + length, "<": sent < first + length, ">": sent >= first}[
        sign
    ]
