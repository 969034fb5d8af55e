"""Twilio's Messages API over HTTP: create, fetch, list, update, delete."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import parse_qsl

from services.local.simulator import answers
from services.local.simulator.carrier import Carrier
from services.local.simulator.creation import Create, Creation
from services.local.simulator.http_messages import Request, Response
from services.local.simulator.http_server import Route, route
from services.local.simulator.listing import Listing
from services.local.simulator.message import FINAL, VERSION, Message
from services.local.simulator.world import World

CANCELABLE = frozenset({"accepted", "scheduled", "queued"})


class Api:
    def __init__(self, world: World, carrier: Carrier, token: str) -> None:
        self._world = world
        self._carrier = carrier
        self._creation = Creation(world, carrier)
        self._listing = Listing(world)
        self._authorized = b"Basic " + base64.b64encode(f"{world.account}:{token}".encode())

    def routes(self) -> list[Route]:
        messages = f"/{VERSION}/Accounts/{{account}}/Messages"
        return [
            route("POST", messages + ".json", self.create),
            route("GET", messages + ".json", self.list),
            route("GET", messages + "/{sid}.json", self.fetch),
            route("POST", messages + "/{sid}.json", self.update),
            route("DELETE", messages + "/{sid}.json", self.delete),
        ]

    async def create(self, request: Request) -> Response | None:
        arrived = self._world.clock.now()
        if self._creation.unread():
            answers.reset(request)
            return None
        create = Create(self._world, await _form(request), arrived)
        return await self._creation.answer(request, create, self._turned_away(request))

    async def fetch(self, request: Request) -> Response:
        code, message = self._found(request)
        return (
            answers.refused(code) if message is None else answers.answered(200, message.resource())
        )

    async def list(self, request: Request) -> Response | None:
        return await self._listing.answer(request, self._turned_away(request))

    async def update(self, request: Request) -> Response:
        form = await _form(request)
        code, message = self._found(request)
        if message is None:
            return answers.refused(code)
        code = _cannot_update(message, form)
        self._world.journal.note(
            "update", "refused" if code else "done", sid=message.sid, code=code or None
        )
        if code:
            return answers.refused(code)
        if form.get("Status") == "canceled":
            self._carrier.cancel(message)
        else:
            message.body = ""
        return answers.answered(200, message.resource())

    async def delete(self, request: Request) -> Response:
        code, message = self._found(request)
        if message is None:
            return answers.refused(code)
        if message.status not in FINAL:
            return answers.refused(20009)
        self._world.store.remove(message)
        return Response(204)

    def _turned_away(self, request: Request) -> int | None:
        if request.headers.get(b"authorization") != self._authorized:
            return 20003
        return None if request.match["account"] == self._world.account else 20404

    def _found(self, request: Request) -> tuple[int, Message | None]:
        code = self._turned_away(request)
        return code or 20404, None if code else self._world.store.get(request.match["sid"])


def _cannot_update(message: Message, form: Mapping[str, str]) -> int:
    """0: it can."""
    if form.get("Status") == "canceled":
        return 0 if message.status in CANCELABLE else 30409
    if form.get("Body") != "" or "Status" in form:
        return 20001
    return 0 if message.status in FINAL else 20009


async def _form(request: Request) -> dict[str, str]:
    return dict(
        parse_qsl((await request.read()).decode("utf-8", "replace"), keep_blank_values=True)
    )
