"""What Twilio does not have: doors for tests and demos, under /simulator/."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from services.local.simulator.answers import answered
from services.local.simulator.faults import Fault, Standing
from services.local.simulator.http_messages import Request, Response
from services.local.simulator.http_server import Route, route
from services.local.simulator.people import People
from services.local.simulator.script import Person
from services.local.simulator.world import World

_PEOPLE: TypeAdapter[dict[str, Person]] = TypeAdapter(dict[str, Person])


class Control:
    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def routes(self) -> list[Route]:
        return [
            route("POST", "/simulator/inbound", self.inbound),
            route("GET", "/simulator/messages", self.messages),
            route("GET", "/simulator/stats", self.stats),
            route("GET", "/simulator/journal", self.journal),
            route("PUT", "/simulator/people", self.invite),
            route("GET", "/simulator/faults", self.faults),
            route("PUT", "/simulator/faults/{name}", self.switch_on),
            route("DELETE", "/simulator/faults/{name}", self.switch_off),
            route("DELETE", "/simulator/faults", self.clear),
        ]

    async def inbound(self, request: Request) -> Response:
        """`{"from": "+1...", "to": "24365", "body": "STOP"}`: this person texts us."""
        told = orjson.loads(await request.read())
        missing = [name for name in ("from", "to", "body") if not isinstance(told.get(name), str)]
        if missing:
            return answered(400, {"error": f"give {', '.join(missing)} as text"})
        return answered(200, self._people.say(told["from"], told["to"], told["body"]).resource())

    async def messages(self, request: Request) -> Response:
        return answered(200, [message.resource() for message in self._world.store])

    async def journal(self, request: Request) -> Response:
        """All of it so far, as it is kept."""
        path = self._world.journal.path
        if path is None:
            return answered(404, {"error": "no journal is kept: start with --log"})
        return Response(200, await asyncio.to_thread(path.read_bytes), "application/octet-stream")

    async def invite(self, request: Request) -> Response:
        """`{"+1415...": <fate>}` as under `numbers:` in a script: from now on this is what they do, as if they had not
        been texted before."""
        try:
            found = _PEOPLE.validate_json(await request.read())
        except ValidationError as error:
            return answered(400, {"error": str(error)})
        self._world.script.numbers.update(found)
        for name in [name for name in self._world.seen if name.rpartition(" ")[2] in found]:
            del self._world.seen[name]
        return answered(200, {"people": len(found)})

    async def faults(self, request: Request) -> Response:
        """What is switched on, and how many calls it has met."""
        return answered(200, {one.name: _shown(one) for one in self._world.faults})

    async def switch_on(self, request: Request) -> Response:
        """`{"does": "http:503", "share": 0.5}`, or a word alone in quotes: from now on, anew if it was on."""
        name = request.match["name"]
        try:
            fault = Fault.model_validate(orjson.loads(await request.read()))
        except (ValidationError, ValueError) as error:
            return answered(400, {"error": str(error)})
        self._world.faults.switch_on(name, fault)
        self._world.journal.note(
            "fault", "on", t=round(self._world.clock.now(), 6), name=name, does=fault.does
        )
        return answered(200, {"name": name})

    async def switch_off(self, request: Request) -> Response:
        name = request.match["name"]
        ended = self._world.faults.switch_off(name)
        if ended is None:
            return answered(404, {"error": f"{name} is not switched on"})
        self._world.journal.note(
            "fault", "off", t=round(self._world.clock.now(), 6), name=name, hits=ended.hits
        )
        return answered(200, _shown(ended))

    async def clear(self, request: Request) -> Response:
        self._world.faults.clear()
        return answered(200, {})

    async def stats(self, request: Request) -> Response:
        """`pending`: changes, receipts and replies still to come; 0 means that nothing more will happen by itself."""
        statuses = Counter(message.status for message in self._world.store)
        return answered(
            200,
            {
                "events": self._world.journal.counts,
                "statuses": statuses,
                "pending": self._world.clock.pending,
            },
        )


def _shown(one: Standing) -> dict[str, Any]:
    return {"does": one.fault.does, "on": one.fault.on, "asked": one.asked, "hits": one.hits}
