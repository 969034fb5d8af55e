"""The create call: ceilings, checks, the scripted fate, the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from services.providers.simulator import answers
from services.providers.simulator.carrier import Carrier
from services.providers.simulator.ceilings import Ceilings
from services.providers.simulator.checks import refused, send_in
from services.providers.simulator.fate import Call, Fate, Receipts
from services.providers.simulator.journal import fingerprint
from services.providers.simulator.message import Message
from services.providers.simulator.timeline import Change
from services.providers.simulator.world import World

EARLY = Change(0.0, "sent")
"""The receipt that overtakes the answer."""


class Creation:
    def __init__(self, world: World, carrier: Carrier) -> None:
        self._world = world
        self._carrier = carrier
        self._ceilings = Ceilings(world.script, world.clock)

    async def answer(
        self, request: web.Request, form: Mapping[str, str], turned_away: int | None
    ) -> web.StreamResponse:
        with self._ceilings.call() as within:
            if not within:
                return self._limited(form)
            response = await self._decided(request, form, turned_away)
            if not response.prepared:
                response.headers["Twilio-Concurrent-Requests"] = str(self._ceilings.under_way)
            return response

    async def _decided(
        self, request: web.Request, form: Mapping[str, str], turned_away: int | None
    ) -> web.StreamResponse:
        world = self._world
        code = turned_away or refused(form, world.senders, world.clock.now())
        if code is not None:
            return self._refused(form, code)
        ordinal = world.ordinal("create", form["To"])
        fate = world.script.person(form["To"]).fate(ordinal, world.chance, form["To"])
        if fate.call is Call.REFUSE:
            return self._refused(form, fate.code or 20001, ordinal)
        if fate.call is Call.RATE_LIMIT:
            return self._limited(form, ordinal)
        message = self._taken(form, fate, ordinal)
        if message is not None and Receipts.EARLY in fate.receipts:
            await self._carrier.report(message, EARLY)
        await world.clock.sleep(world.chance.between(world.script.answer_after, "answer", form["To"], ordinal))
        return await _as_scripted(request, fate, message)

    def _taken(self, form: Mapping[str, str], fate: Fate, ordinal: int) -> Message | None:
        if not fate.taken:
            self._note(form, "not-taken", call=fate.call, ordinal=ordinal)
            return None
        wait = send_in(form).total_seconds() if form.get("ScheduleType") == "fixed" else 0.0
        message = self._carrier.take(form, fate, ordinal, wait)
        self._note(form, "taken", call=fate.call, ordinal=ordinal, sid=message.sid, segments=message.segments)
        return message

    def _refused(self, form: Mapping[str, str], code: int, ordinal: int | None = None) -> web.Response:
        self._note(form, "refused", code=code, ordinal=ordinal)
        return answers.refused(code)

    def _limited(self, form: Mapping[str, str], ordinal: int | None = None) -> web.Response:
        self._note(form, "limited", code=20429, ordinal=ordinal)
        return answers.limited(self._world.script.retry_after)

    def _note(self, form: Mapping[str, str], outcome: str, **more: Any) -> None:
        """`callback`: what our side wrote into the callback's address, so that a checker can match the two."""
        self._world.journal.note(
            "create", outcome, t=round(self._world.clock.now(), 6), number=form.get("To", ""),
            sender=form.get("MessagingServiceSid") or form.get("From", ""), body=fingerprint(form.get("Body", "")),
            callback=dict(parse_qsl(urlsplit(form.get("StatusCallback", "")).query)), **more,
        )  # fmt: skip


async def _as_scripted(request: web.Request, fate: Fate, message: Message | None) -> web.StreamResponse:
    resource = message.resource() if message else {}
    match fate.call:
        case Call.RESET_BEFORE | Call.RESET_AFTER:
            return answers.reset(request)
        case Call.HANG:
            return await answers.never()
        case Call.HTTP:
            return web.Response(status=fate.code or 500, text="upstream error")
        case Call.TRUNCATED:
            return await answers.truncated(request, 201, resource)
        case Call.NO_SID:
            return answers.answered(201, {**resource, "sid": None})
    return answers.answered(201, resource)
