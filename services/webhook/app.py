"""The webhook's HTTP side, a bare ASGI application.  2xx means that Kafka has it; 503 that Twilio should come again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import structlog

from schemas.attempt import DeliveryReceipt
from schemas.base import Message
from schemas.topics import DELIVERY_RECEIPTS, INBOUND, Topic
from services.kafka.publisher import NotPublished, Publisher
from services.observability.meters import Meters
from services.observability.metrics import WEBHOOK
from services.webhook import reading
from services.webhook.reading import Wrong
from services.webhook.signature import Signature

LONGEST_BODY = 64 << 10
"""Bytes.  1,600 characters of four bytes each, percent-encoded, are 19 kB."""
MOST_DISCARDED = 512 << 10
"""Bytes of a body too long that are read all the same: a client that is cut off while it writes sees no answer."""
READ_WITHIN = 10.0
COME_AGAIN = "5"
"""Seconds."""
SIGNED_WRONG = (
    "403: the signature does not fit. Is SAYSO_PUBLIC_URL the address that the provider calls, scheme, host and path, "
    "and TWILIO_AUTH_TOKEN the account's?"
)
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = structlog.get_logger("sayso.webhook")


class Answer(NamedTuple):
    status: int
    text: str = ""
    kind: str = "text/plain"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def give(self, send: Send) -> None:
        body, headers = self.text.encode(), list(self.headers)
        if self.status != 204:
            headers += [
                (b"content-type", f"{self.kind}; charset=utf-8".encode()),
                (b"content-length", str(len(body)).encode()),
            ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_CLOSE: Final = ((b"connection", b"close"),)
"""What is left of the body is not read: the next request of the connection could not be found."""
RECEIPT_THANKS: Final = Answer(204)
TEXT_THANKS: Final = Answer(200, EMPTY_TWIML, "text/xml")
"""The empty TwiML: no automatic answer, the provider has sent its own."""
TOO_LONG: Final = Answer(413, f"Maximum request body size {LONGEST_BODY} exceeded.")
TOO_SLOW: Final = Answer(408, "408: the body did not come", headers=_CLOSE)
LATER: Final = Answer(503, "503: try again", headers=((b"retry-after", COME_AGAIN.encode()),))
NOT_FOUND: Final = Answer(404, "404: Not Found")

POSTED: Final = frozenset({"/twilio/status", "/twilio/inbound"})
ASKED: Final = frozenset({"/live", "/ready"})


class Webhook:
    def __init__(self, signature: Signature, publisher: Publisher, account: str = "") -> None:
        """`account`: the SID of the one that we send from; "": not known here."""
        self._signature = signature
        self._account = account
        self._publisher = publisher
        self.counts: Counter[str] = Counter()
        self.meters = Meters(WEBHOOK)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path in POSTED:
            answer = await self._posted(scope, receive) if method == "POST" else _only("POST")
        elif path in ASKED:
            answer = await self._asked(path) if method in {"GET", "HEAD"} else _only("GET,HEAD")
        else:
            answer = NOT_FOUND
        if answer is not None:
            await answer.give(send)

    async def _asked(self, path: str) -> Answer:
        if path == "/live":
            return Answer(
                200, json.dumps({"live": True, "answers": self.counts}), "application/json"
            )
        ready = await self._publisher.is_reachable()
        return Answer(
            200 if ready else 503, json.dumps({"ready": ready, "kafka": ready}), "application/json"
        )

    async def _posted(self, scope: Scope, receive: Receive) -> Answer | None:
        """None: the caller has gone.  A shutdown that can wait no longer cancels us: the caller may come again."""
        try:
            async with asyncio.timeout(READ_WITHIN):
                body = await _body(receive)
            answer = await self._take(scope, body) if isinstance(body, bytes) else body
        except TimeoutError:
            answer = TOO_SLOW
        except asyncio.CancelledError:
            answer = LATER._replace(headers=LATER.headers + _CLOSE)
        if answer is not None and answer.status != 413:
            self._count(scope, answer)
        return answer

    async def _take(self, scope: Scope, body: bytes) -> Answer:
        target, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        form = self._signature.form(
            f"{target}?{query}" if query else target, body, _signature(scope)
        )
        if form is None:
            return Answer(403, SIGNED_WRONG)
        now = datetime.now(UTC)
        if scope["path"] == "/twilio/status":
            return await self._publish(
                DELIVERY_RECEIPTS, self._receipt(query, form, now), RECEIPT_THANKS
            )
        return await self._publish(INBOUND, reading.inbound(form, now), TEXT_THANKS)

    def _receipt(
        self, query: str, form: Mapping[str, str], now: datetime
    ) -> DeliveryReceipt | Wrong:
        return reading.receipt(
            dict(parse_qsl(query, keep_blank_values=True)), form, now, self._account
        )

    async def _publish(self, topic: Topic[Any], message: Message | Wrong, thanks: Answer) -> Answer:
        if isinstance(message, Wrong):
            return Answer(400, f"400: {message.words}")
        try:
            await self._publisher.publish(topic, message)
        except NotPublished as problem:
            log.warning("not published", topic=topic.name, problem=str(problem))
            return LATER
        if isinstance(message, DeliveryReceipt):
            self.meters.count(
                "sayso_receipts_total", status=message.status, code=message.error_code or ""
            )
        else:
            self.meters.count("sayso_inbound_total")
        return thanks

    def _count(self, scope: Scope, answer: Answer) -> None:
        """Refusals are logged at the first, the tenth, the hundredth...: a flood of forgeries must not become a flood
        of lines."""
        status = str(answer.status)
        self.counts[status] += 1
        self.meters.count("sayso_webhook_answers_total", status=status)
        count = self.counts[status]
        if answer.status in {400, 403} and str(count).strip("0") == "1":
            log.warning("refused", path=scope["path"], why=answer.text, so_far=count)


async def _body(receive: Receive) -> bytes | Answer | None:
    """None if the caller has gone.  Of a body that is too long the rest is discarded, as far as that is sensible."""
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size <= LONGEST_BODY:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts) if size <= LONGEST_BODY else TOO_LONG
        if size > MOST_DISCARDED:
            return TOO_LONG._replace(headers=_CLOSE)


def _signature(scope: Scope) -> str | None:
    """The first, if there are several."""
    for name, value in scope["headers"]:
        if name == b"x-twilio-signature":
            signature: str = value.decode("latin-1")
            return signature
    return None


def _only(methods: str) -> Answer:
    return Answer(405, "405: Method Not Allowed", headers=((b"allow", methods.encode()),))
