"""What Twilio does not have: doors for tests and demos, under /simulator/."""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from services.providers.simulator.answers import answered
from services.providers.simulator.people import People
from services.providers.simulator.world import World


class Control:
    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/simulator/inbound", self.inbound),
            web.get("/simulator/messages", self.messages),
            web.get("/simulator/stats", self.stats),
        ]

    async def inbound(self, request: web.Request) -> web.Response:
        """`{"from": "+1...", "to": "24365", "body": "STOP"}`: this person texts us."""
        told = await request.json()
        missing = [name for name in ("from", "to", "body") if not isinstance(told.get(name), str)]
        if missing:
            return answered(400, {"error": f"give {', '.join(missing)} as text"})
        return answered(200, self._people.say(told["from"], told["to"], told["body"]).resource())

    async def messages(self, request: web.Request) -> web.Response:
        return answered(200, [message.resource() for message in self._world.store])

    async def stats(self, request: web.Request) -> web.Response:
        """`pending`: changes, receipts and replies still to come; 0 means that nothing more will happen by itself."""
        statuses = Counter(message.status for message in self._world.store)
        return answered(
            200, {"events": self._world.journal.counts, "statuses": statuses, "pending": self._world.clock.pending}
        )
