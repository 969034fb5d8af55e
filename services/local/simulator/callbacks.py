"""Twilio's requests to the webhook: signed, tried again as the URL's fragment asks, and noted."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote_plus, urlsplit

from services.local.simulator.http_client import CutOff, HttpClient, NoConnection
from services.local.simulator.journal import Journal

TOTAL, CONNECT = 15.0, 10.0
"""Twilio waits 5 s for a connection, tries it twice, and 15 s in all (docs: error 11205)."""
HEADERS = "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
MOST_RETRIES, PAUSE = 5, 0.1
"""Seconds before the first retry, doubled each time."""


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature (docs: "Validating requests"), written without Twilio's SDK: the product verifies with it."""
    signed = url + "".join(key + form[key] for key in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


class Callbacks:
    """`rule`: how to try again where the URL does not say.  `deliver_to`: where the webhook really listens, when its
    public URL is not reachable from here; what is signed is the public URL all the same."""

    def __init__(
        self, token: str, journal: Journal, rule: str, deliver_to: str | None = None
    ) -> None:
        self._token = token
        self._journal = journal
        self._rule = rule
        self._deliver_to = deliver_to
        self._client = HttpClient(HEADERS, TOTAL, CONNECT)

    async def close(self) -> None:
        await self._client.close()

    async def post(
        self, url: str, form: Mapping[str, str], event: str, **about: str | None
    ) -> None:
        """Connection overrides (docs: "Webhooks: Connection Overrides"): `#rc=5&rp=all` asks for five retries, also
        after an HTTP error.  The fragment is neither sent nor signed."""
        bare, _, fragment = url.partition("#")
        retries, policy = _wishes(fragment or self._rule)
        for attempt in range(retries + 1):
            outcome, kind = await self._once(bare, form)
            again = outcome != "ok" and attempt < retries and (kind in policy or "all" in policy)
            self._journal.note(event, outcome, again=again, **about)
            if not again:
                return
            await asyncio.sleep(PAUSE * 2**attempt)

    async def _once(self, url: str, form: Mapping[str, str]) -> tuple[str, str]:
        """(outcome, the word in the retry policy that covers it)."""
        headers = f"X-Twilio-Signature: {signature(self._token, url, form)}\r\n"
        try:
            status = await self._client.post(self._target(url), headers, _encode(form))
        except NoConnection:
            return "no-connection", "ct"
        except CutOff:
            return "cut-off", "rt"
        return ("ok", "") if status < 300 else (f"http-{status}", f"{status // 100}xx")

    def _target(self, url: str) -> str:
        if self._deliver_to is None:
            return url
        parts = urlsplit(url)
        return (
            self._deliver_to.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")
        )


@lru_cache
def _wishes(written: str) -> tuple[int, list[str]]:
    """(retries, the words for what is tried again)."""
    wishes = dict(parse_qsl(written))
    return min(int(wishes.get("rc", 1)), MOST_RETRIES), wishes.get("rp", "ct").split(",")


def _encode(form: Mapping[str, str]) -> bytes:
    """As `urlencode`, for names that need no escape: half of the work."""
    return "&".join([f"{name}={quote_plus(value)}" for name, value in form.items()]).encode()
