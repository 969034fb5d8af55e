"""One attempt of one delivery: connect to a checked address, sign, send, read little."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Final, NamedTuple, Self

import structlog
from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)
from pydantic import SecretStr

from services.event_webhooks.addresses import (
    AddressPolicy,
    AddressRefused,
    CheckedResolver,
    Resolve,
)
from services.event_webhooks.deliveries import Delivery
from services.event_webhooks.signature import build_headers

TIMEOUT: Final = 15.0
"""Seconds for all of it: name, connection, request, answer."""
READ_AT_MOST: Final = 16 << 10
"""Bytes of an answer.  Nobody looks at them; read to its end, a connection can be used again."""
KEEP_ALIVE: Final = 4.0
"""Seconds: shorter than servers usually keep an idle connection, so that none closes under us."""
GONE: Final = 410


log = structlog.get_logger("sayso.event_webhooks")


class Problem(StrEnum):
    """Why an attempt failed.  Staff see it, and metrics count it."""

    REFUSED_ADDRESS = "refused_address"
    """The name has an address that is not public."""
    NO_CONNECTION = "no_connection"
    """No address, nobody listens, or the connection broke."""
    TLS = "tls"
    """The certificate is not valid for the name."""
    TIMEOUT = "timeout"
    REDIRECT = "redirect"
    """3xx.  We do not follow: another address would get what only this one may read."""
    STATUS = "status"
    """4xx or 5xx."""
    PROTOCOL = "protocol"
    """What came back is no HTTP."""
    PAUSED_TOO_LONG = "paused_too_long"


class Answer(NamedTuple):
    status: int | None = None
    problem: Problem | None = None
    """None: it is delivered."""
    retry_after: int = 0
    """Seconds that the endpoint asks us to wait."""

    @property
    def is_gone(self) -> bool:
        return self.status == GONE


class Attempts:
    """Use it with `async with`."""

    def __init__(
        self,
        policy: AddressPolicy,
        resolve: Resolve,
        *,
        timeout: float = TIMEOUT,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`trust`: for certificates of an authority of one's own."""
        self._policy = policy
        self._resolve = resolve
        self._timeout = timeout
        self._trust = trust

    async def __aenter__(self) -> Self:
        connector = TCPConnector(
            resolver=CheckedResolver(self._policy, self._resolve),
            use_dns_cache=False,
            socket_factory=self._policy.create_socket,
            ssl=self._trust or True,
            limit=0,  # the loop limits them
            keepalive_timeout=KEEP_ALIVE,
        )
        self._session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=self._timeout),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": f"Sayso/{version('sayso')}", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def make(self, url: str, secrets: tuple[SecretStr, ...], delivery: Delivery) -> Answer:
        """Never raises for what network or endpoint do."""
        now = int(datetime.now(UTC).timestamp())
        headers = build_headers(delivery.event_id, now, delivery.body, secrets)
        headers["Content-Type"] = "application/json"
        try:
            self._policy.parse_url(url)  # the setting may have changed since it was saved
            async with self._session.post(
                url, data=delivery.body, headers=headers, allow_redirects=False
            ) as response:
                answer = _judge(response)
                with suppress(ClientError, TimeoutError):
                    await _read_rest(response)
                return answer
        except (ClientError, OSError, ValueError) as error:
            return Answer(problem=_find_problem(error))
        except Exception as error:  # noqa: BLE001 - whatever one endpoint sends, others go on
            log.error(
                "an attempt ended oddly", endpoint=delivery.endpoint, kind=type(error).__name__
            )
            return Answer(problem=Problem.PROTOCOL)


def _judge(response: ClientResponse) -> Answer:
    status = response.status
    if 200 <= status <= 299:
        return Answer(status)
    asked = response.headers.get("Retry-After", "")
    wait = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else 0
    return Answer(status, Problem.REDIRECT if 300 <= status <= 399 else Problem.STATUS, wait)


async def _read_rest(response: ClientResponse) -> None:
    """What is longer than `READ_AT_MOST` costs the connection, and nothing else."""
    size = 0
    while chunk := await response.content.readany():
        size += len(chunk)
        if size > READ_AT_MOST:
            response.close()
            return


def _find_problem(error: Exception) -> Problem:
    match error:
        case TimeoutError():
            return Problem.TIMEOUT
        case AddressRefused():
            return Problem.REFUSED_ADDRESS
        case ClientConnectorCertificateError() | ClientConnectorSSLError() | ssl.SSLError():
            return Problem.TLS
        case ClientConnectorError():
            inner = error.os_error
            chain = [inner, inner.__cause__, inner.__context__]
            refused = any(isinstance(one, AddressRefused) for one in chain)
            return Problem.REFUSED_ADDRESS if refused else Problem.NO_CONNECTION
        case InvalidURL() | ValueError():
            return Problem.REFUSED_ADDRESS
        case ClientConnectionError() | OSError():
            return Problem.NO_CONNECTION
    return Problem.PROTOCOL
