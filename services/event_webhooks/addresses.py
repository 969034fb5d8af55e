"""Which addresses an endpoint may have: a tenant names a URL, and we must not become its way into
our own network.

Theory of operation

A name is resolved when an endpoint is saved, and again for each connection, because DNS can change
in between.  Every address of the name is checked, and the connection goes to an address that was
checked; TLS and the Host header keep the name.  Where a URL has an address instead of a name, no
resolver is asked; so the last check is made where the socket is created, for every connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

LONGEST_URL: Final = 2000
RESOLVE_TIMEOUT: Final = 10.0
"""Seconds."""
RESOLVER_THREADS: Final = 32
"""The system's resolver blocks; a slow name may not hold up the others."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host and port.  Raises OSError."""

FORBIDDEN: Final = tuple(
    ip_network(written)
    for written in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # unspecified, loopback, and IPv4 as it was once written
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
"""The special-purpose registries of IANA, and what `is_global` of this Python may not know."""

OWN_NETWORKS: Final = tuple(
    ip_network(written)
    for written in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    )
)
"""What a laptop may use if it says so; link-local addresses never."""

NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""The last 32 bits are an IPv4 address (RFC 6052, RFC 8215)."""


class AddressRefused(OSError):
    """One sentence: why we do not connect there."""


class AddressPolicy:
    def __init__(self, *, allow_private: bool = False) -> None:
        """`allow_private`: loopback, private networks and plain HTTP, for tests and laptops."""
        self.allow_private = allow_private

    def may_connect(self, written: str) -> bool:
        try:
            address = ip_address(written.partition("%")[0])
        except ValueError:
            return False
        address = _find_inner(address)
        if self.allow_private and any(address in network for network in OWN_NETWORKS):
            return True
        return address.is_global and not any(address in network for network in FORBIDDEN)

    def refuse_forbidden(self, addresses: Sequence[str]) -> None:
        """All of them must be allowed: one private address is enough to refuse a name.

        Raises AddressRefused."""
        if not addresses:
            raise AddressRefused("its name has no address")
        if not all(map(self.may_connect, addresses)):
            raise AddressRefused("its name has an address that is not public")

    def create_socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """For the connector: the last look at an address.  Raises AddressRefused."""
        family, kind, protocol, _, address = info
        self.refuse_forbidden([str(address[0])])
        return socket.socket(family=family, type=kind, proto=protocol)

    async def check_url(self, url: str, resolve: Resolve) -> None:
        """For an endpoint that is saved.  Raises ValueError with one sentence."""
        host, port = self.parse_url(url)
        try:
            self.refuse_forbidden(await resolve(host, port))
        except AddressRefused as refused:
            raise ValueError(f"{host} cannot be called: {refused}") from None
        except (OSError, UnicodeError, TimeoutError):
            raise ValueError(f"{host} cannot be found: check the spelling") from None

    def parse_url(self, url: str) -> tuple[str, int]:
        """Host and port.  Raises ValueError with one sentence."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("it is no URL such as https://example.com/sayso") from None
        schemes = {"https": 443, "http": 80} if self.allow_private else {"https": 443}
        if parts.scheme not in schemes:
            raise ValueError("it must begin with https://")
        if not host or port == 0 or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("it is no URL such as https://example.com/sayso")
        if "@" in parts.netloc:
            raise ValueError(
                "it must have no user name or password: the signature proves who we are"
            )
        if parts.fragment:
            raise ValueError("it must have no part after #: no server sees it")
        if len(url) > LONGEST_URL:
            raise ValueError(f"it has {len(url):,} characters; {LONGEST_URL:,} is the most")
        return host, port or schemes[parts.scheme]


def _find_inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is meant by an IPv6 one: mapped, 6to4, translated."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(_contains(network, address) for network in NAT64):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _contains(network: Any, address: IPv6Address) -> bool:
    return isinstance(network, IPv6Network) and address in network


class SystemResolver:
    """The resolver of this machine.  Call it as a `Resolve`."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._threads, _look_up, host, port)
        return await asyncio.wait_for(asked, RESOLVE_TIMEOUT)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedResolver(AbstractResolver):
    """For the connector: addresses of names, all of them checked."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError."""
        addresses = await self._resolve(host, port)
        self._policy.refuse_forbidden(addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass
