"""What Twilio does not have: an API for tests and demos, under /simulator/."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from services.local.simulator.context import Context
from services.local.simulator.faults import ActiveFault
from services.local.simulator.http_server import Request, Response, Route, route
from services.local.simulator.recipients import Recipients
from services.local.simulator.responses import json_response
from services.local.simulator.script import Fault, Recipient

_RECIPIENTS: Final[TypeAdapter[dict[str, Recipient]]] = TypeAdapter(dict[str, Recipient])


class AdminApi:
    def __init__(self, context: Context, recipients: Recipients) -> None:
        self._context = context
        self._recipients = recipients

    def routes(self) -> list[Route]:
        return [
            route("POST", "/simulator/inbound", self.send_inbound),
            route("GET", "/simulator/messages", self.list_messages),
            route("GET", "/simulator/stats", self.show_stats),
            route("GET", "/simulator/journal", self.read_journal),
            route("PUT", "/simulator/people", self.script_recipients),
            route("GET", "/simulator/faults", self.list_faults),
            route("PUT", "/simulator/faults/{name}", self.switch_on),
            route("DELETE", "/simulator/faults/{name}", self.switch_off),
            route("DELETE", "/simulator/faults", self.clear_faults),
        ]

    async def send_inbound(self, request: Request) -> Response:
        """`{"from": "+1...", "to": "24365", "body": "STOP"}`: this recipient texts us."""
        text = orjson.loads(await request.read())
        missing = [name for name in ("from", "to", "body") if not isinstance(text.get(name), str)]
        if missing:
            return json_response(400, {"error": f"give {', '.join(missing)} as text"})
        message = self._recipients.send_inbound(text["from"], text["to"], text["body"])
        return json_response(200, message.resource())

    async def list_messages(self, request: Request) -> Response:
        return json_response(200, [message.resource() for message in self._context.messages])

    async def show_stats(self, request: Request) -> Response:
        """`pending`: status changes, receipts and replies still to come.

        0 means that nothing more will happen by itself.
        """
        context = self._context
        stats = {
            "events": context.journal.counts,
            "statuses": Counter(message.status for message in context.messages),
            "pending": context.clock.pending,
        }
        return json_response(200, stats)

    async def read_journal(self, request: Request) -> Response:
        """All of it so far, as it is on disk."""
        path = self._context.journal.path
        if path is None:
            return json_response(404, {"error": "no journal is kept: start with --log"})
        return Response(200, await asyncio.to_thread(path.read_bytes), "application/octet-stream")

    async def script_recipients(self, request: Request) -> Response:
        """`{"+1415...": <fate>}` as under `numbers:` in a script.

        From now on these recipients behave like that, as if they had not been texted before.
        """
        try:
            recipients = _RECIPIENTS.validate_json(await request.read())
        except ValidationError as error:
            return json_response(400, {"error": str(error)})
        self._context.script.numbers.update(recipients)
        counts = self._context.counts
        for key in [key for key in counts if key.rpartition(" ")[2] in recipients]:
            del counts[key]
        self._recipients.forget(recipients)
        return json_response(200, {"people": len(recipients)})

    async def list_faults(self, request: Request) -> Response:
        """What is switched on, and how many calls it has struck."""
        return json_response(200, {one.name: _describe(one) for one in self._context.faults})

    async def switch_on(self, request: Request) -> Response:
        """`{"does": "http:503", "share": 0.5}`, or one word in quotes."""
        name = request.match["name"]
        try:
            fault = Fault.model_validate(orjson.loads(await request.read()))
        except (ValidationError, ValueError) as error:
            return json_response(400, {"error": str(error)})
        self._context.faults.switch_on(name, fault)
        self._note("on", name=name, does=fault.does)
        return json_response(200, {"name": name})

    async def switch_off(self, request: Request) -> Response:
        name = request.match["name"]
        ended = self._context.faults.switch_off(name)
        if ended is None:
            return json_response(404, {"error": f"{name} is not switched on"})
        self._note("off", name=name, hits=ended.hits)
        return json_response(200, _describe(ended))

    async def clear_faults(self, request: Request) -> Response:
        self._context.faults.clear()
        return json_response(200, {})

    def _note(self, outcome: str, **details: Any) -> None:
        now = round(self._context.clock.now(), 6)
        self._context.journal.note("fault", outcome, t=now, **details)


def _describe(one: ActiveFault) -> dict[str, Any]:
    return {"does": one.fault.does, "on": one.fault.on, "asked": one.asked, "hits": one.hits}
