"""Who visits a public page: the address, and how often it may send something."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from starlette.requests import Request

from services.console.console import Console

_MOST: Final = 50_000
"""Addresses that are remembered."""
_OF_ONE: Final = 64
"""Bits of an IPv6 address that are one customer's."""


def visitor_address(request: Request, console: Console) -> str | None:
    """The nearest address that is no proxy of ours. None: it is not known."""
    seen = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for written in (seen, *reversed(forwarded)):
        try:
            address = ip_address(written.strip())
        except ValueError:
            return None
        if not _is_proxy(address, console):
            return str(address)
    return None


def _is_proxy(address: IPv4Address | IPv6Address, console: Console) -> bool:
    return any(address in network for network in console.settings.console_proxies)


class AddressLimit:
    """How often one address may send something: a token bucket for each, in memory.

    Each process counts for itself."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], datetime]) -> None:
        """`most` at once, and as many again in `seconds`."""
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}
        """Tokens, and when they were counted."""

    def take(self, address: str | None) -> bool:
        """Whether it may. Those whose address is not known share one bucket."""
        name, now = name_customer(address), self._clock().timestamp()
        with self._lock:
            tokens, since = self._buckets.pop(name, (float(self._most), now))
            tokens = min(self._most, tokens + max(now - since, 0) * self._most / self._seconds)
            allowed = tokens >= 1
            self._buckets[name] = (tokens - allowed, now)
            if len(self._buckets) > _MOST:  # the one that has been away for longest
                del self._buckets[next(iter(self._buckets))]
        return allowed


def name_customer(address: str | None) -> str:
    if address is None or ":" not in address:
        return address or ""
    return str(ip_network(f"{address}/{_OF_ONE}", strict=False))
