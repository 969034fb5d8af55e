"""Twilio, through its own SDK. Every answer becomes a result: nothing is retried here, and nothing
is raised.

Theory of operation
-------------------
Dispatch may send a text again only if it is certain that the provider has not taken it. So the one
thing that this client must get right is whether a call can have reached Twilio:

1. A call waits for a connection first: a free slot, then DNS, TCP and TLS. That may take seconds,
   and meanwhile the sender may have been assigned to another worker. So the lease is checked right
   before the first byte of the request is written (`CallState.start_request`), on an established
   connection, with nothing awaited in between. Without a lease nothing is written: the result is
   UNSENT.
2. `CallState.request_started` is set at that same moment. If a call fails before, no byte has left:
   UNSENT. If it fails after, for whatever reason, Twilio may have taken the text: IN_DOUBT. A
   time-out counts as a failure.
3. An HTTP answer is a refusal only if it carries a code of Twilio's own. Any other 4xx or 5xx may
   come from something in between, so it is IN_DOUBT. 429, and codes that say nothing about this
   text, are LIMITED: not taken, try later.

`services.http_client` writes a request at most once and never retries. The SDK's own HTTP client
cannot tell whether a request has left, so `session.TwilioSession` replaces it.

What is in doubt is looked up in Twilio's list of messages (`read_list`). The list must be complete:
a text that is not in it counts as never taken. If any part of it cannot be read, there is no list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import SecretStr
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from schemas.attempt import AttemptCode
from schemas.numbers import strip_signs
from schemas.sender import is_messaging_service
from services.providers.provider import NETWORK_ERRORS, describe_network_error
from services.providers.session import CallState, LeaseExpired, TwilioSession, current_call
from streams.dispatch.provider_calls import (
    ListedMessage,
    Lookup,
    LookupResult,
    Result,
    SendCall,
    SendResult,
)
from streams.error_codes import is_deferrable

TWILIO: Final = "https://api.twilio.com"
RETRIES: Final = "#rc=5&rp=all"
"""Connection overrides on the callback's address (docs: "Webhook connection overrides"). A callback
that we answer with 503, or cannot answer, comes up to five times more, within 15 s. Without them it
comes once more, and only if the connection failed. The fragment is neither sent to us nor signed.
"""
FIRST_CODE: Final = 10_000
"""Twilio's codes have at least five digits. The SDK fills in the HTTP status where an answer has no
code."""
PAGE_SIZE: Final = 1000
"""Entries of a page: Twilio's maximum."""
MAX_PAGES: Final = 20

_UNREADABLE: Final = (ValueError, TypeError, AttributeError)
"""What the SDK raises for an answer that is not JSON, or JSON of another shape."""


class Twilio:
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
        """`timeout`: seconds for a whole call. `base_url` None: Twilio itself."""
        self._status_url = public_url.rstrip("/") + "/twilio/status"
        self._timeout = timeout
        self._session = TwilioSession(connections)
        self._messages = _messages(account_sid, auth_token, base_url or TWILIO, self._session)

    async def send(
        self, call: SendCall, has_lease: Callable[[], bool] = lambda: True
    ) -> SendResult:
        """One call. Only cancellation and bugs are raised."""
        state = CallState(has_lease)
        current_call.set(state)
        try:
            async with asyncio.timeout(self._timeout):
                message = await self._messages.create_async(**self._form(call))
        except LeaseExpired:
            detail = "the lease ran out while it was connecting"
            return _result(call, Result.UNSENT, code=AttemptCode.LEASE_OVER, detail=detail)
        except UnicodeEncodeError:
            detail = "the text is not valid Unicode"
            return _result(call, Result.REFUSED, code=AttemptCode.UNENCODABLE, detail=detail)
        except (TwilioRestException, TwilioServiceException) as refusal:
            return _on_refusal(call, refusal, state)
        except NETWORK_ERRORS as error:
            return _on_network_error(call, error, state)
        except _UNREADABLE:
            if state.response is None:
                raise
            detail = f"HTTP {state.response.status_code}, but the answer could not be read"
            return _in_doubt(call, detail)
        if not isinstance(message.sid, str) or not message.sid:
            return _in_doubt(call, "taken by its status, but the answer has no sid")
        segments = parse_segments(message.num_segments)
        return _result(call, Result.ACCEPTED, provider_id=message.sid, segments=segments)

    async def look_up(self, lookup: Lookup) -> LookupResult:
        """The time-out is for the whole list. Only cancellation and bugs are raised."""
        state = CallState()
        current_call.set(state)
        try:
            async with asyncio.timeout(self._timeout):
                return _lookup_result(lookup, entries=await read_list(self._messages, lookup))
        except IncompleteList as reason:
            return _lookup_result(lookup, detail=str(reason))
        except NETWORK_ERRORS as error:
            return _lookup_result(lookup, detail=describe_network_error(error))
        except (TwilioException, *_UNREADABLE):
            if state.response is None:
                raise
            status = state.response.status_code
            detail = "the list could not be read" if status == 200 else f"no list: HTTP {status}"
            return _lookup_result(lookup, detail=detail)

    async def close(self) -> None:
        await self._session.close()

    def _form(self, call: SendCall) -> dict[str, str]:
        """The callback's address carries our identity, so a callback proves which attempt was
        accepted."""
        identity = urlencode(
            {"tenant": call.tenant, "message_id": call.message_id, "attempt": call.attempt}
        )
        sender = "messaging_service_sid" if is_messaging_service(call.sender) else "from_"
        return {
            "to": call.to,
            "body": call.body,
            sender: call.sender,
            "status_callback": f"{self._status_url}?{identity}{RETRIES}",
        }


def _messages(
    account_sid: str, auth_token: SecretStr, base_url: str, session: TwilioSession
) -> Any:
    """The SDK's resource for messages.

    The SDK imports its modules on first use, which takes a quarter of a second: here, so that the
    first call does not wait. `environment` is given so that TWILIO_EDGE and TWILIO_REGION do not
    change the host.
    """
    client = Client(
        account_sid,
        auth_token.get_secret_value(),
        http_client=session,
        environment={"TWILIO_ACCOUNT_SID": account_sid},
    )
    client.api.base_url = base_url
    return client.api.v2010.account.messages


def _on_refusal(
    call: SendCall, refusal: TwilioRestException | TwilioServiceException, state: CallState
) -> SendResult:
    """A 4xx without a code of Twilio's comes from something in between. A code that says nothing
    about this text, such as a full queue or a suspended account, means: later."""
    given = str(refusal.code)
    code = given if given.isdecimal() and int(given) >= FIRST_CODE else None
    detail = f"HTTP {refusal.status}"
    if refusal.status == 429:
        retry_after = _retry_after(state)
        return _result(
            call,
            Result.LIMITED,
            code=code or AttemptCode.TOO_MANY,
            detail=detail,
            retry_after=retry_after,
        )
    if 400 <= refusal.status < 500 and code:
        result = Result.LIMITED if is_deferrable(code) else Result.REFUSED
        return _result(call, result, code=code, detail=detail)
    return _in_doubt(call, detail, code)


def _on_network_error(call: SendCall, error: BaseException, state: CallState) -> SendResult:
    if state.request_started:
        return _in_doubt(call, describe_network_error(error))
    detail = f"no connection to the provider: {type(error).__name__}"
    return _result(call, Result.UNSENT, detail=detail)


def _in_doubt(call: SendCall, detail: str, code: str | None = None) -> SendResult:
    return _result(call, Result.IN_DOUBT, detail=detail, code=code)


def _result(call: SendCall, result: Result, **known: Any) -> SendResult:
    return SendResult(
        tenant=call.tenant,
        message_id=call.message_id,
        attempt=call.attempt,
        sender=call.sender,
        result=result,
        **known,
    )


def _lookup_result(lookup: Lookup, **known: Any) -> LookupResult:
    return LookupResult(
        tenant=lookup.tenant,
        message_id=lookup.message_id,
        attempt=lookup.attempt,
        sender=lookup.sender,
        round=lookup.round,
        **known,
    )


def _retry_after(state: CallState) -> float | None:
    """Seconds. Twilio does not use the header's other form, a date."""
    given = (state.response.headers or {}).get("Retry-After", "") if state.response else ""
    return float(given) if given.replace(".", "", 1).isdigit() else None


# The list of messages.


class IncompleteList(Exception):
    """One sentence: why what was read is not the complete list."""


async def read_list(messages: Any, lookup: Lookup) -> tuple[ListedMessage, ...]:
    """`messages`: the SDK's resource. Raises IncompleteList, and what the SDK raises.

    Twilio filters by To, From and DateSent only, and DateSent is null while a text is queued. So we
    filter by To alone. Twilio sorts by DateSent, so the window does not tell where to stop: every
    page is read.
    """
    # As it was called: the list knows no other writing of the number.
    page = await messages.page_async(to=strip_signs(lookup.to), page_size=PAGE_SIZE)
    found: dict[str, ListedMessage] = {}
    # Twilio's times are whole seconds.
    not_before = lookup.not_before - timedelta(seconds=1)
    for _ in range(MAX_PAGES):
        for message in page:
            entry = _parse_entry(message)
            in_window = not_before <= entry.created_at <= lookup.not_after
            if message.direction != "inbound" and in_window:
                found[entry.provider_id] = entry
        page = await page.next_page_async()
        if page is None:
            return tuple(found.values())
    raise IncompleteList(f"the list is longer than {MAX_PAGES * PAGE_SIZE:,} entries")


def parse_segments(num_segments: object) -> int | None:
    """Twilio writes it as a string. A messaging service says 0 until it has picked a number: not
    known."""
    written = str(num_segments or "")
    is_count = written.isdecimal() and len(written) < 4
    return int(written) or None if is_count else None


def _parse_entry(message: Any) -> ListedMessage:
    """Raises IncompleteList for an entry without sid or time: it could be the one that is looked
    for."""
    has_sid = isinstance(message.sid, str) and message.sid
    if not has_sid or not isinstance(message.date_created, datetime):
        raise IncompleteList("an entry of the list has no sid or no time of creation")
    return ListedMessage(
        provider_id=message.sid,
        sender=message.messaging_service_sid or message.from_ or None,
        body=message.body or "",
        num_segments=parse_segments(message.num_segments),
        status=str(message.status or ""),
        created_at=message.date_created.astimezone(UTC),
        error_code=None if message.error_code is None else str(message.error_code),
    )
