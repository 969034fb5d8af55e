"""Twilio, through its own SDK.  Every answer becomes a Result: nothing is retried here, nothing raised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from schemas.attempt import AttemptCode
from services.providers.broken import BROKEN, in_words
from services.providers.session import Flight, LeaseOver, QuietSession, flight
from services.providers.twilio_list import NotWhole, counted, listed
from streams.dispatch.provider_calls import Lookup, LookupResult, Result, SendCall, SendResult
from streams.error_codes import is_deferrable

TWILIO = "https://api.twilio.com"
TRY_AGAIN = "#rc=5&rp=all"
"""Connection overrides on the callback's address (docs: "Webhook connection overrides"): a callback that we answer with
503, or cannot answer, comes up to five times more, within 15 s in all; without them only once more, and only where no
connection was made.  The fragment is neither sent to us nor part of what is signed."""
FIRST_CODE = 10_000
"""Twilio's codes have five digits or more; the SDK fills in the HTTP status where an answer has none."""

_UNREADABLE = (ValueError, TypeError, AttributeError)
"""What the SDK raises on an answer that is no JSON, or JSON of another shape."""


class Twilio:
    """`timeout` in seconds, for the whole call.  `base_url` None: Twilio itself."""

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: SecretStr,
        public_url: str,
        base_url: str | None = None,
        timeout: float = 10.0,
        connections: int = 64,
    ) -> None:
        self._status_url = public_url.rstrip("/") + "/twilio/status"
        self._timeout = timeout
        self._session = QuietSession(connections)
        self._messages = _messages(account_sid, auth_token, base_url or TWILIO, self._session)

    async def send(self, post: SendCall, held: Callable[[], bool] = lambda: True) -> SendResult:
        """One call.  Only cancellation and bugs are raised."""
        call = Flight(held)
        flight.set(call)
        try:
            async with asyncio.timeout(self._timeout):
                message = await self._messages.create_async(**self._form(post))
        except LeaseOver:
            return _answer(
                post,
                Result.UNSENT,
                code=AttemptCode.LEASE_OVER,
                detail="the lease ran out while it was connecting",
            )
        except UnicodeEncodeError:
            return _answer(
                post,
                Result.REFUSED,
                code=AttemptCode.UNENCODABLE,
                detail="the text is not valid Unicode",
            )
        except (TwilioRestException, TwilioServiceException) as refusal:
            return _refused(post, refusal, call)
        except BROKEN as failure:
            return _cut_off(post, failure, call)
        except _UNREADABLE:
            if call.response is None:
                raise
            return _in_doubt(
                post, f"HTTP {call.response.status_code}, but the answer could not be read"
            )
        if not isinstance(message.sid, str) or not message.sid:
            return _in_doubt(post, "taken by its status, but the answer has no sid")
        return _answer(
            post, Result.ACCEPTED, provider_id=message.sid, segments=counted(message.num_segments)
        )

    async def look(self, look: Lookup) -> LookupResult:
        """The time-out is for the whole list.  Only cancellation and bugs are raised."""
        call = Flight()
        flight.set(call)
        try:
            async with asyncio.timeout(self._timeout):
                return _seen(look, entries=await listed(self._messages, look))
        except NotWhole as reason:
            return _seen(look, detail=str(reason))
        except BROKEN as failure:
            return _seen(look, detail=in_words(failure))
        except (TwilioException, *_UNREADABLE):
            if call.response is None:
                raise
            return _seen(look, detail=_no_list(call.response.status_code))

    async def close(self) -> None:
        await self._session.close()

    def _form(self, post: SendCall) -> dict[str, str]:
        """Our identity rides on the callback's address: a callback then proves what was accepted."""
        identity = urlencode(
            {"tenant": post.tenant, "message_id": post.message_id, "attempt": post.attempt}
        )
        sender = "messaging_service_sid" if post.sender.startswith("MG") else "from_"
        return {
            "to": post.to,
            "body": post.body,
            sender: post.sender,
            "status_callback": f"{self._status_url}?{identity}{TRY_AGAIN}",
        }


def _messages(account_sid: str, auth_token: SecretStr, base_url: str, session: QuietSession) -> Any:
    """The SDK's resource.  It imports its modules on first use, a quarter of a second of them: here, so that the first
    call does not wait.  `environment` is given so that TWILIO_EDGE and TWILIO_REGION do not rewrite the host."""
    client = Client(
        account_sid,
        auth_token.get_secret_value(),
        http_client=session,
        environment={"TWILIO_ACCOUNT_SID": account_sid},
    )
    client.api.base_url = base_url
    return client.api.v2010.account.messages


def _refused(
    post: SendCall, refusal: TwilioRestException | TwilioServiceException, call: Flight
) -> SendResult:
    """Only Twilio's own word counts as a refusal: a 4xx without its code comes from something in between.  A code that
    says nothing of this text (a full queue, a suspended account) means: later."""
    given = str(refusal.code)
    code = given if given.isdecimal() and int(given) >= FIRST_CODE else None
    if refusal.status == 429:
        return _answer(
            post,
            Result.LIMITED,
            code=code or "429",
            detail="HTTP 429",
            retry_after=_retry_after(call),
        )
    if 400 <= refusal.status < 500 and code:
        result = Result.LIMITED if is_deferrable(code) else Result.REFUSED
        return _answer(post, result, code=code, detail=f"HTTP {refusal.status}")
    return _in_doubt(post, f"HTTP {refusal.status}", code)


def _cut_off(post: SendCall, failure: BaseException, call: Flight) -> SendResult:
    if call.departed:
        return _in_doubt(post, in_words(failure))
    return _answer(
        post, Result.UNSENT, detail=f"no connection to the provider: {type(failure).__name__}"
    )


def _in_doubt(post: SendCall, detail: str, code: str | None = None) -> SendResult:
    return _answer(post, Result.IN_DOUBT, detail=detail, code=code)


def _no_list(status: int) -> str:
    return "the list could not be read" if status == 200 else f"no list: HTTP {status}"


def _seen(look: Lookup, **known: Any) -> LookupResult:
    return LookupResult(
        tenant=look.tenant,
        message_id=look.message_id,
        attempt=look.attempt,
        sender=look.sender,
        round=look.round,
        **known,
    )


def _answer(post: SendCall, result: Result, **known: Any) -> SendResult:
    return SendResult(
        tenant=post.tenant,
        message_id=post.message_id,
        attempt=post.attempt,
        sender=post.sender,
        result=result,
        **known,
    )


def _retry_after(call: Flight) -> float | None:
    """Seconds; the other form of the header, a date, is not used by Twilio."""
    given = (call.response.headers or {}).get("Retry-After", "") if call.response else ""
    return float(given) if given.replace(".", "", 1).isdigit() else None
