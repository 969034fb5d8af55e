"""The create call: rate limits, validation, the number's scenario, an active fault, the response.

Theory of operation
-------------------
A call passes these steps, each of which may end it:

1. A `reset-unread` fault resets the connection before the body is read.
2. The account's rate limits answer 20429.
3. Credentials and form are validated in Twilio's order.
4. The number's script gives the scenario of this text; an active fault changes it.
5. Unless the scenario says otherwise, the carrier accepts the text.
6. The response is sent as the scenario says: late, cut short, not at all.

Every step notes in the journal what happened before the caller hears of it. For an accepted text
the journal also says whether the caller was `told` of it, or left in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from services.local.simulator.carrier import Carrier, StatusChange
from services.local.simulator.context import Context, Senders
from services.local.simulator.determinism import Clock
from services.local.simulator.http_server import Request, Response
from services.local.simulator.journal import hash_body
from services.local.simulator.messages import Message, count_segments
from services.local.simulator.responses import (
    error_response,
    rate_limit_response,
    reset_connection,
    respond_as_scripted,
)
from services.local.simulator.script import (
    Endpoint,
    ReceiptFault,
    ResponseKind,
    Scenario,
    Script,
)

LONGEST_BODY: Final = 1600
SOONEST: Final = timedelta(seconds=900)
LATEST: Final = timedelta(days=35)
EARLY_RECEIPT: Final = StatusChange(0.0, "sent")
"""The receipt that overtakes the response."""

MAGIC_TO: Final = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM: Final = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
"""Twilio's test numbers (docs: "Test credentials")."""

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER: Final = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")
_SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")


class CreateCall:
    """One call, and what the journal says of it."""

    def __init__(self, context: Context, form: Mapping[str, str], arrived: float) -> None:
        """`arrived`: when its head was read, in simulated seconds."""
        self._journal = context.journal
        self._arrived = arrived
        self.form = form
        self.number = form.get("To", "")
        self.sender = form.get("MessagingServiceSid") or form.get("From", "")
        self.body = form.get("Body", "")

    def note(self, outcome: str, **details: Any) -> None:
        """`callback`: what the product wrote into the callback URL, for checkers to match."""
        self._journal.note(
            "create",
            outcome,
            t=round(self._arrived, 6),
            number=self.number,
            sender=self.sender,
            body=hash_body(self.body),
            segments=count_segments(self.body),
            callback=dict(parse_qsl(urlsplit(self.form.get("StatusCallback", "")).query)),
            **details,
        )


class CreateMessage:
    def __init__(self, context: Context, carrier: Carrier) -> None:
        self._context = context
        self._carrier = carrier
        self._limits = RateLimits(context.script, context.clock)

    def reset_unread(self, request: Request) -> bool:
        """Whether a fault reset the connection: then nobody ever knows whose text it was."""
        context = self._context
        fault = context.faults.match_unread(Endpoint.CREATE)
        if fault is None:
            return False
        now = round(context.clock.now(), 6)
        context.journal.note("create", "unread", t=now, fault=fault.name)
        reset_connection(request)
        return True

    async def respond(
        self, request: Request, form: Mapping[str, str], arrived: float, denial: int | None
    ) -> Response | None:
        """`denial`: the error code for a caller who may not call."""
        call = CreateCall(self._context, form, arrived)
        with self._limits.enter() as is_within:
            if not is_within:
                return self._limit(call, self._context.script.retry_after)
            response = await self._decide(request, call, denial)
            return None if response is None else self._add_concurrency(response)

    def _add_concurrency(self, response: Response) -> Response:
        count = str(self._limits.under_way)
        return response._replace(headers={**response.headers, "Twilio-Concurrent-Requests": count})

    async def _decide(
        self, request: Request, call: CreateCall, denial: int | None
    ) -> Response | None:
        context = self._context
        code = denial or validate(call.form, context.senders, context.clock.now())
        if code is not None:
            return self._refuse(call, code)
        ordinal = context.next_ordinal("create", call.number)
        recipient = context.script.recipient(call.number)
        scenario = recipient.scenario(ordinal, context.random, call.number)
        details: dict[str, Any] = {"ordinal": ordinal}
        fault = context.faults.match_create(call.number, call.sender, ordinal)
        if fault is not None:
            scenario = fault.fault.apply_to(scenario)
            details["fault"] = fault.name
        if scenario.call is ResponseKind.REFUSE:
            return self._refuse(call, scenario.code or 20001, **details)
        if scenario.call is ResponseKind.RATE_LIMIT:
            retry_after = scenario.retry_after if fault else context.script.retry_after
            return self._limit(call, retry_after, **details)
        message = self._accept(call, scenario, ordinal, details)
        return await self._send(request, call, scenario, message, ordinal)

    def _accept(
        self, call: CreateCall, scenario: Scenario, ordinal: int, details: Mapping[str, Any]
    ) -> Message | None:
        if not scenario.taken:
            call.note("not-taken", call=scenario.call, **details)
            return None
        is_scheduled = call.form.get("ScheduleType") == "fixed"
        wait = _time_until_send(call.form).total_seconds() if is_scheduled else 0.0
        message = self._carrier.accept(call.form, scenario, ordinal, wait)
        call.note("taken", call=scenario.call, sid=message.sid, **details)
        return message

    async def _send(
        self,
        request: Request,
        call: CreateCall,
        scenario: Scenario,
        message: Message | None,
        ordinal: int,
    ) -> Response | None:
        context = self._context
        is_told = False
        try:
            if message is not None and ReceiptFault.EARLY in scenario.receipts:
                await self._carrier.report(message, EARLY_RECEIPT)
            delay = context.random.between(
                context.script.answer_after, "answer", call.number, ordinal
            )
            await context.clock.sleep(delay)
            if scenario.call is ResponseKind.SLOW:
                await context.clock.sleep(scenario.seconds)
            resource = message.resource() if message else {}
            if scenario.call is ResponseKind.NO_SID:
                resource = {**resource, "sid": None}
            response = await respond_as_scripted(request, scenario, 201, resource)
            if response is None or scenario.call not in {ResponseKind.OK, ResponseKind.SLOW}:
                return response
            is_told = request.send(self._add_concurrency(response))
            return None
        finally:
            if message is not None:
                context.journal.note("answer", "told" if is_told else "untold", sid=message.sid)

    def _refuse(self, call: CreateCall, code: int, **details: Any) -> Response:
        call.note("refused", code=code, **details)
        return error_response(code)

    def _limit(self, call: CreateCall, retry_after: float | None, **details: Any) -> Response:
        call.note("limited", code=20429, **details)
        return rate_limit_response(retry_after)


class RateLimits:
    """The account's: create calls under way at once, and per second."""

    def __init__(self, script: Script, clock: Clock) -> None:
        self._script = script
        self._clock = clock
        self.under_way = 0
        self._tokens = script.per_second or 0.0
        self._filled_at = 0.0

    @contextmanager
    def enter(self) -> Iterator[bool]:
        """For the time of a call: whether it is within both limits."""
        self.under_way += 1
        try:
            most = self._script.concurrency
            yield (most is None or self.under_way <= most) and self._take_token()
        finally:
            self.under_way -= 1

    def _take_token(self) -> bool:
        """From a bucket that holds one second's worth."""
        rate = self._script.per_second
        if rate is None:
            return True
        now = self._clock.now()
        self._tokens = min(rate, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def validate(form: Mapping[str, str], senders: Senders, now: float) -> int | None:
    """The code of the first error, in the order in which Twilio checks.

    `now`: in simulated seconds.
    """
    to = form.get("To", "")
    body = form.get("Body", "")
    service = form.get("MessagingServiceSid", "")
    sender = form.get("From", "")
    if not to:
        return 21604
    if not service and not sender:
        return 21603
    if not body:
        return 21602
    if len(body) > LONGEST_BODY:
        return 21617
    return (
        _validate_sender(service, sender, senders)
        or (None if _NUMBER.fullmatch(to) else 21211)
        or _validate_callback(form.get("StatusCallback"))
        or _validate_schedule(form, service)
        or MAGIC_TO.get(to)
        or _check_sender_state(to, service, sender, senders, now)
    )


def _validate_sender(service: str, sender: str, senders: Senders) -> int | None:
    if service:
        if not _SERVICE.fullmatch(service):
            return 21705
        return None if senders.get(service) else 21701
    if sender in MAGIC_FROM:
        return MAGIC_FROM[sender]
    if not _SENDER.fullmatch(sender):
        return 21212
    return None if senders.get(sender) else 21659


def _validate_callback(url: str | None) -> int | None:
    if url is None:
        return None
    parts = urlsplit(url)
    is_usable = parts.scheme in {"http", "https"} and parts.hostname and "_" not in parts.hostname
    return None if is_usable else 21609


def _validate_schedule(form: Mapping[str, str], service: str) -> int | None:
    if form.get("ScheduleType") != "fixed":
        return None
    if not service:
        return 35118
    if "SendAt" not in form:
        return 35111
    return None if SOONEST <= _time_until_send(form) <= LATEST else 35114


def _time_until_send(form: Mapping[str, str]) -> timedelta:
    return datetime.fromisoformat(form["SendAt"]) - datetime.now(UTC)


def _check_sender_state(
    to: str, service: str, sender: str, senders: Senders, now: float
) -> int | None:
    """A messaging service accepts a text although its queue is full, and fails it later.

    Errors 21611 and 30001.
    """
    state = senders.get(service or sender)
    if state is None:
        return None
    if to in state.stopped:
        return 21610
    return 21611 if not service and state.is_full(now) else None
