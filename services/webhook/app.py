"""The webhook's HTTP side: a bare ASGI application.

Theory of operation
-------------------
The provider calls two paths: `/twilio/status` for every change of a message, `/twilio/inbound` for
every inbound text. A call is answered in this order:

1. Read the body, with a limit for its size and its time.
2. Verify the signature over the public URL and the form (`signature`). Nothing of the form is used
   before that. A call that is not Twilio's gets 403.
3. Parse the form into one message (`parsing`). A form that cannot be a callback gets 400.
4. Publish the message, and wait until Kafka has confirmed it. Only then answer 2xx: the provider
   forgets a callback that was answered with 2xx. If Kafka does not confirm in time, answer 503, and
   the provider calls again (the send call asked for these retries, see
   `services.providers.twilio.RETRIES`).

So a callback may be published twice, but is never lost. Repeats are harmless: their readers
recognise them. Callbacks also arrive in any order, which is for the outcomes processor to sort out;
nothing is decided here.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import structlog

from schemas.attempt import DeliveryReceipt
from schemas.base import Message
from schemas.topics import DELIVERY_RECEIPTS, INBOUND, Topic
from services.kafka.publisher import NotPublished, Publisher
from services.observability.metrics import WEBHOOK
from services.observability.registry import MetricRegistry
from services.webhook.parsing import InvalidCallback, parse_inbound, parse_receipt
from services.webhook.signature import Signature

MAX_BODY: Final = 64 << 10
"""Bytes. 1,600 characters of four bytes each, percent-encoded, are 19 kB."""
MAX_DISCARDED: Final = 512 << 10
"""Bytes of a body that is too long which we read all the same: a client whose connection is closed
while it writes does not see the answer."""
READ_TIMEOUT: Final = 10.0
"""Seconds for the whole body."""
RETRY_AFTER: Final = "5"
"""Seconds."""
BAD_SIGNATURE: Final = (
    "403: the signature does not fit. Is SAYSO_PUBLIC_URL the address that the provider calls, "
    "scheme, host and path, and TWILIO_AUTH_TOKEN the account's?"
)
EMPTY_TWIML: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = structlog.get_logger("sayso.webhook")


class Response(NamedTuple):
    status: int
    text: str = ""
    content_type: str = "text/plain"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send) -> None:
        body = self.text.encode()
        headers = list(self.headers)
        if self.status != 204:
            headers += [
                (b"content-type", f"{self.content_type}; charset=utf-8".encode()),
                (b"content-length", str(len(body)).encode()),
            ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_CLOSE: Final = ((b"connection", b"close"),)
"""The rest of the body was not read, so the connection's next request could not be found."""
RECEIPT_TAKEN: Final = Response(204)
INBOUND_TAKEN: Final = Response(200, EMPTY_TWIML, "text/xml")
"""Empty TwiML: send no automatic reply."""
TOO_LONG: Final = Response(413, f"Maximum request body size {MAX_BODY} exceeded.")
TOO_SLOW: Final = Response(408, "408: the body did not come", headers=_CLOSE)
TRY_AGAIN: Final = Response(
    503, "503: try again", headers=((b"retry-after", RETRY_AFTER.encode()),)
)
NOT_FOUND: Final = Response(404, "404: Not Found")

CALLBACK_PATHS: Final = frozenset({"/twilio/status", "/twilio/inbound"})
HEALTH_PATHS: Final = frozenset({"/live", "/ready"})


class Webhook:
    def __init__(self, signature: Signature, publisher: Publisher, account: str = "") -> None:
        """`account`: the SID of the account that we send from; "": not known here."""
        self._signature = signature
        self._account = account
        self._publisher = publisher
        self.counts: Counter[str] = Counter()
        """Answers by HTTP status."""
        self.metrics = MetricRegistry(WEBHOOK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        method = scope["method"]
        response: Response | None
        if path in CALLBACK_PATHS:
            allowed = method == "POST"
            response = await self._handle(scope, receive) if allowed else _only_method("POST")
        elif path in HEALTH_PATHS:
            allowed = method in {"GET", "HEAD"}
            response = await self._health(path) if allowed else _only_method("GET,HEAD")
        else:
            response = NOT_FOUND
        if response is not None:
            await response.send(send)

    async def _health(self, path: str) -> Response:
        if path == "/live":
            text = json.dumps({"live": True, "answers": self.counts})
            return Response(200, text, "application/json")
        ready = await self._publisher.is_reachable()
        text = json.dumps({"ready": ready, "kafka": ready})
        return Response(200 if ready else 503, text, "application/json")

    async def _handle(self, scope: Scope, receive: Receive) -> Response | None:
        """None: the caller has hung up. A shutdown that cannot wait longer cancels us: the caller
        may try again."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                body = await _read_body(receive)
            response = await self._take(scope, body) if isinstance(body, bytes) else body
        except TimeoutError:
            response = TOO_SLOW
        except asyncio.CancelledError:
            response = TRY_AGAIN._replace(headers=TRY_AGAIN.headers + _CLOSE)
        if response is not None and response.status != 413:
            self._count(scope, response)
        return response

    async def _take(self, scope: Scope, body: bytes) -> Response:
        target = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        if query:
            target = f"{target}?{query}"
        form = self._signature.form(target, body, _signature_header(scope))
        if form is None:
            return Response(403, BAD_SIGNATURE)
        now = datetime.now(UTC)
        if scope["path"] == "/twilio/status":
            fields = dict(parse_qsl(query, keep_blank_values=True))
            receipt = parse_receipt(fields, form, now, self._account)
            return await self._publish(DELIVERY_RECEIPTS, receipt, RECEIPT_TAKEN)
        return await self._publish(INBOUND, parse_inbound(form, now), INBOUND_TAKEN)

    async def _publish(
        self, topic: Topic[Any], message: Message | InvalidCallback, taken: Response
    ) -> Response:
        if isinstance(message, InvalidCallback):
            return Response(400, f"400: {message.words}")
        try:
            await self._publisher.publish(topic, message)
        except NotPublished as problem:
            log.warning("not published", topic=topic.name, problem=str(problem))
            return TRY_AGAIN
        if isinstance(message, DeliveryReceipt):
            code = message.error_code or ""
            self.metrics.count("sayso_receipts_total", status=message.status, code=code)
        else:
            self.metrics.count("sayso_inbound_total")
        return taken

    def _count(self, scope: Scope, response: Response) -> None:
        """Log the first, tenth, hundredth... refusal only: many forged calls must not become as
        many log lines."""
        status = str(response.status)
        self.counts[status] += 1
        self.metrics.count("sayso_webhook_answers_total", status=status)
        count = self.counts[status]
        if response.status in {400, 403} and str(count).strip("0") == "1":
            log.warning("refused", path=scope["path"], why=response.text, so_far=count)


async def _read_body(receive: Receive) -> bytes | Response | None:
    """None: the caller has hung up. The rest of a body that is too long is read and discarded, up
    to a limit."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts) if size <= MAX_BODY else TOO_LONG
        if size > MAX_DISCARDED:
            return TOO_LONG._replace(headers=_CLOSE)


def _signature_header(scope: Scope) -> str | None:
    """The first, if there are several."""
    for name, value in scope["headers"]:
        if name == b"x-twilio-signature":
            signature: str = value.decode("latin-1")
            return signature
    return None


def _only_method(methods: str) -> Response:
    return Response(405, "405: Method Not Allowed", headers=((b"allow", methods.encode()),))
