"""Which addresses an endpoint may have: checked when it is saved, and again at each connection."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.event_webhooks.addresses import (
    FORBIDDEN,
    AddressPolicy,
    AddressRefused,
    CheckedResolver,
    SystemResolver,
)
from services.event_webhooks.attempt import Attempts, Problem
from services.event_webhooks.deliveries import Delivery, DeliveryState
from services.event_webhooks.signature import make_secret

PUBLIC = "93.184.215.14"
STRICT = AddressPolicy()
LAPTOP = AddressPolicy(allow_private=True)
NOW = datetime.now(UTC)

REFUSED = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:1:2:3:4:5:6",
    "2001:db8::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not STRICT.may_connect(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert STRICT.may_connect(address)
    assert LAPTOP.may_connect(address)


@given(st.sampled_from(FORBIDDEN).flatmap(lambda net: st.ip_addresses(network=net)))
def test_every_address_of_a_special_network_is_refused(address: object) -> None:
    assert not STRICT.may_connect(str(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_each_writing(address: object) -> None:
    allowed = STRICT.may_connect(str(address))
    assert STRICT.may_connect(f"::ffff:{address}") == allowed


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.1", "224.0.0.1", "fe80::1", "::"])
def test_the_setting_for_laptops_opens_no_more_than_their_networks(address: str) -> None:
    assert not LAPTOP.may_connect(address)
    assert LAPTOP.may_connect("127.0.0.1")
    assert LAPTOP.may_connect("192.168.1.7")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https:///path",
        "https://user:password@example.com/",
        "https://user@example.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/#part",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: other",
        "https://ex\u00e4mple.com/",
        "https://example.com/" + "a" * 2000,
        "example.com",
        "",
    ],
)
async def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="it "):
        await STRICT.check_url(url, resolve_to(PUBLIC))


def resolve_to(*addresses: str):  # type: ignore[no-untyped-def]
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


async def test_all_addresses_of_a_name_are_checked_when_it_is_saved() -> None:
    await STRICT.check_url("https://example.com/hook", resolve_to(PUBLIC))
    for addresses in [(PUBLIC, "10.0.0.1"), ("::1", PUBLIC), ()]:
        with pytest.raises(ValueError, match="cannot be called"):
            await STRICT.check_url("https://example.com/hook", resolve_to(*addresses))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::ffff:7f00:1]",
    ],
)
async def test_no_writing_of_loopback_passes(host: str) -> None:
    """By the machine's own resolver, and again by the connector."""
    resolver = SystemResolver()
    try:
        with pytest.raises(ValueError, match="cannot be"):
            await STRICT.check_url(f"https://{host}/", resolver)
        async with Attempts(STRICT, resolver) as attempts:
            answer = await attempts.make(f"https://{host}:9/", (make_secret(),), delivery())
        assert answer.problem in (Problem.REFUSED_ADDRESS, Problem.NO_CONNECTION)
        assert answer.status is None
    finally:
        resolver.close()


def delivery() -> Delivery:
    return Delivery(
        1, "ep_x", "evt_x", "reply.received", NOW, NOW, DeliveryState.PENDING, 0, NOW, None, None,
        None, None, b"{}",
    )  # fmt: skip


async def test_a_name_that_points_elsewhere_after_it_was_saved_is_not_called() -> None:
    """A listener counts connections: none may come, whatever DNS says at the last moment."""
    connections = 0

    def connected(*_: object) -> None:
        nonlocal connections
        connections += 1

    import asyncio

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    addresses = [PUBLIC]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    url = f"https://changing.example:{port}/hook"
    await STRICT.check_url(url, resolve)
    async with Attempts(STRICT, resolve) as attempts:
        for later in (["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"]):
            addresses[:] = later
            answer = await attempts.make(url, (make_secret(),), delivery())
            assert answer.problem is Problem.REFUSED_ADDRESS
    server.close()
    assert connections == 0


async def test_the_socket_is_the_last_check() -> None:
    """Where a URL has an address, no resolver is asked."""
    with pytest.raises(AddressRefused):
        STRICT.create_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9)))
    LAPTOP.create_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))).close()


async def test_the_resolver_gives_only_what_was_checked() -> None:
    resolver = CheckedResolver(STRICT, resolve_to(PUBLIC))
    found = await resolver.resolve("example.com", 443)
    assert [(one["host"], one["hostname"]) for one in found] == [(PUBLIC, "example.com")]
    with pytest.raises(AddressRefused):
        await CheckedResolver(STRICT, resolve_to(PUBLIC, "fe80::1")).resolve("example.com", 443)


def test_a_secret_is_in_no_repr() -> None:
    secret = make_secret()
    assert secret.get_secret_value() not in repr(secret) + str(secret)
    assert isinstance(secret, SecretStr)
