"""The webhook's HTTP side.  2xx means that Kafka has it; 503 that Twilio should come again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from schemas.base import Message
from schemas.delivery_receipt import DeliveryReceipt
from schemas.topics import DELIVERY_RECEIPTS, INBOUND, Topic
from services.observability.meters import Meters
from services.observability.metrics import WEBHOOK
from services.publishing import NotPublished, Publisher
from services.webhook import reading
from services.webhook.reading import Wrong
from services.webhook.signature import Signature

LONGEST_BODY = 64 << 10
"""Bytes.  1,600 characters of four bytes each, percent-encoded, are 19 kB."""
READ_WITHIN = 10.0
COME_AGAIN = "5"
"""Seconds."""
SIGNED_WRONG = (
    "403: the signature does not fit. Is SAYSO_PUBLIC_URL the address that the provider calls, scheme, host and path, "
    "and TWILIO_AUTH_TOKEN the account's?"
)
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

log = structlog.get_logger("sayso.webhook")


class Webhook:
    def __init__(self, signature: Signature, publisher: Publisher, account: str = "") -> None:
        """`account`: the SID of the one that we send from; "": not known here."""
        self._signature = signature
        self._account = account
        self._publisher = publisher
        self.counts: Counter[str] = Counter()
        self.meters = Meters(WEBHOOK)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LONGEST_BODY)
        app.add_routes(
            [
                web.post("/twilio/status", self.status),
                web.post("/twilio/inbound", self.inbound),
                web.get("/live", self.live),
                web.get("/ready", self.ready),
            ]
        )
        return app

    async def status(self, request: web.Request) -> web.Response:
        query = dict(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
        account = self._account
        return await self._take(
            request,
            DELIVERY_RECEIPTS,
            lambda form, now: reading.receipt(query, form, now, account),
            web.Response(status=204),
        )

    async def inbound(self, request: web.Request) -> web.Response:
        """The empty TwiML: no automatic answer, the provider has sent its own."""
        thanks = web.Response(text=EMPTY_TWIML, content_type="text/xml")
        return await self._take(request, INBOUND, reading.inbound, thanks)

    async def live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True, "answers": self.counts})

    async def ready(self, _request: web.Request) -> web.Response:
        ready = await self._publisher.reachable()
        return web.json_response({"ready": ready, "kafka": ready}, status=200 if ready else 503)

    async def _take(
        self,
        request: web.Request,
        topic: Topic[Any],
        read: Callable[[Mapping[str, str], datetime], Message | Wrong],
        thanks: web.Response,
    ) -> web.Response:
        try:
            async with asyncio.timeout(READ_WITHIN):
                body = await request.read()
        except TimeoutError:
            return self._answer(request, web.Response(status=408, text="408: the body did not come"))
        form = self._signature.form(request.raw_path, body, request.headers.get("X-Twilio-Signature"))
        if form is None:
            return self._answer(request, web.Response(status=403, text=SIGNED_WRONG))
        message = read(form, datetime.now(UTC))
        if isinstance(message, Wrong):
            return self._answer(request, web.Response(status=400, text=f"400: {message.words}"))
        try:
            await self._publisher.publish(topic, message)
        except NotPublished as problem:
            log.warning("not published", topic=topic.name, problem=str(problem))
            later = web.Response(status=503, text="503: try again", headers={"Retry-After": COME_AGAIN})
            return self._answer(request, later)
        if isinstance(message, DeliveryReceipt):
            self.meters.count("sayso_receipts_total", status=message.status, code=message.error_code or "")
        else:
            self.meters.count("sayso_inbound_total")
        return self._answer(request, thanks)

    def _answer(self, request: web.Request, response: web.Response) -> web.Response:
        """Counted; refusals are logged at the first, the tenth, the hundredth...: a flood of forgeries must not become
        a flood of lines."""
        self.counts[str(response.status)] += 1
        self.meters.count("sayso_webhook_answers_total", status=str(response.status))
        count = self.counts[str(response.status)]
        if response.status in {400, 403} and str(count).strip("0") == "1":
            log.warning("refused", path=request.path, why=response.text, so_far=count)
        return response
