"""Twilio's requests to the webhook: signed, retried as the URL's fragment asks, and noted.

They are made by the provider client's HTTP client. It never retries, so that this module decides.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

from services.http_client import HttpClient, HttpError
from services.local.simulator.journal import Journal

TOTAL_TIMEOUT: Final = 15.0
"""Seconds that Twilio waits in all (docs: error 11205)."""
CONNECT_TIMEOUT: Final = 10.0
"""Seconds: Twilio waits 5 s for a connection, and tries it twice."""
MOST_CONNECTIONS: Final = 64
IDLE_TIMEOUT: Final = 4.0
"""Seconds that an unused connection is kept.

Servers close one after 5 s or more. They must not do so while we write.
"""
MOST_RETRIES: Final = 5
FIRST_PAUSE: Final = 0.1
"""Seconds before the first retry, doubled for each further one."""
_HEADERS: Final = (
    b"User-Agent: TwilioProxy/1.1\r\n"
    b"Accept: */*\r\n"
    b"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
)


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature (docs: "Validating requests").

    Written without Twilio's SDK, because the product verifies with the SDK.
    """
    signed = url + "".join(key + form[key] for key in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


class Callbacks:
    def __init__(
        self, token: str, journal: Journal, rule: str, deliver_to: str | None = None
    ) -> None:
        """`rule`: how to retry where the URL does not say.

        `deliver_to`: where the webhook really listens, if its public URL cannot be reached from
        here. The signature is of the public URL all the same.
        """
        self._token = token
        self._journal = journal
        self._rule = rule
        self._deliver_to = deliver_to
        self._client = HttpClient(MOST_CONNECTIONS, idle_timeout=IDLE_TIMEOUT)

    async def close(self) -> None:
        await self._client.close()

    async def post(
        self, url: str, form: Mapping[str, str], event: str, **details: str | None
    ) -> None:
        """Post the form, and retry (docs: "Webhooks: Connection Overrides").

        `#rc=5&rp=all` asks for five retries, also after an HTTP error. The fragment is neither sent
        nor signed.
        """
        bare, _, fragment = url.partition("#")
        retries, policy = _parse_rule(fragment or self._rule)
        for attempt in range(retries + 1):
            outcome, kind = await self._post_once(bare, form)
            is_covered = kind in policy or "all" in policy
            retry = outcome != "ok" and attempt < retries and is_covered
            self._journal.note(event, outcome, again=retry, **details)
            if not retry:
                return
            await asyncio.sleep(FIRST_PAUSE * 2**attempt)

    async def _post_once(self, url: str, form: Mapping[str, str]) -> tuple[str, str]:
        """The outcome, and the word in a retry policy that covers it."""
        target, authorization = _split_credentials(self._target(url))
        signature = b"X-Twilio-Signature: %b\r\n" % sign(self._token, url, form).encode()
        began = asyncio.get_running_loop().time()
        connected = False

        def on_connected() -> None:
            nonlocal connected
            connected = True
            limit.reschedule(began + TOTAL_TIMEOUT)

        try:
            async with asyncio.timeout_at(began + CONNECT_TIMEOUT) as limit:
                response = await self._client.request(
                    "POST",
                    target,
                    _HEADERS + authorization + signature,
                    _encode(form),
                    before_write=on_connected,
                )
        except (TimeoutError, HttpError):  # a time-out proves nothing about who listens
            return "cut-off", "rt"
        except OSError:
            return ("cut-off", "rt") if connected else ("no-connection", "ct")
        status = response.status
        return ("ok", "") if status < 300 else (f"http-{status}", f"{status // 100}xx")

    def _target(self, url: str) -> str:
        if self._deliver_to is None:
            return url
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return self._deliver_to.rstrip("/") + parts.path + query


@lru_cache
def _parse_rule(rule: str) -> tuple[int, list[str]]:
    """How many retries, and the words for what is retried."""
    wishes = dict(parse_qsl(rule))
    return min(int(wishes.get("rc", 1)), MOST_RETRIES), wishes.get("rp", "ct").split(",")


def _split_credentials(url: str) -> tuple[str, bytes]:
    """The URL without its user and password, and the header that carries them."""
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0]
    if "@" not in authority:
        return url, b""
    credentials = authority.rpartition("@")[0]
    pair = base64.b64encode(unquote(credentials).encode())
    bare = f"{scheme}://{rest[len(credentials) + 1 :]}"
    return bare, b"Authorization: Basic %b\r\n" % pair


def _encode(form: Mapping[str, str]) -> bytes:
    """As `urlencode`, for names that need no escape: half of the work."""
    return "&".join([f"{name}={quote_plus(value)}" for name, value in form.items()]).encode()
