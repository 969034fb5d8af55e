"""Where the server is, and the key: the same for both clients. The transport is used without
httpx2's clients, because those log addresses, which may hold phone numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from services.client.exchange import Answer, Lost
from services.client.operation import Operation

TIMEOUT: Final = 30.0
"""Seconds that the server may be silent."""
_KEY: Final = re.compile(r"[!-~]+")
_WORTH_ANOTHER_TRY: Final = (
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.ProxyError,
    httpx2.RemoteProtocolError,
)


class Connection:
    def __init__(self, url: str, key: str, timeout: float) -> None:
        """Raises ValueError, never with the key in its words."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("give the console's address, such as https://sayso.example.com")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("leave user, query and fragment out of the address")
        if not _KEY.fullmatch(key):
            raise ValueError("this is no key: `sayso keys add` prints one, on one line")
        self.url = url.rstrip("/")
        self._authorization = f"Bearer {key}"
        self._timeout = dict.fromkeys(("connect", "read", "write", "pool"), timeout)

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def __reduce__(self) -> Any:
        raise TypeError("a client holds a key: make one where it is used")

    def build(self, operation: Operation[Any]) -> httpx2.Request:
        headers = {
            **operation.headers(),
            "Authorization": self._authorization,
            "User-Agent": "sayso-client",
        }
        return httpx2.Request(
            operation.method,
            self.url + operation.path,
            headers=headers,
            content=operation.body,
            extensions={"timeout": self._timeout},
        )


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)


def read_loss(error: httpx2.RequestError) -> Lost:
    return Lost(type(error).__name__, isinstance(error, _WORTH_ANOTHER_TRY))
