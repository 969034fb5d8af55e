"""Twilio's Messages API over HTTP: create, fetch, list, update, delete."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from services.providers.simulator import answers
from services.providers.simulator.carrier import Carrier
from services.providers.simulator.chance import Chance
from services.providers.simulator.checks import refused, send_in
from services.providers.simulator.clock import Clock
from services.providers.simulator.fate import Call, Fate
from services.providers.simulator.journal import Journal, fingerprint
from services.providers.simulator.message import FINAL, VERSION, Message
from services.providers.simulator.script import Script

CANCELABLE = frozenset({"accepted", "scheduled", "queued"})


class Api:
    def __init__(
        self, account: str, token: str, script: Script, chance: Chance, clock: Clock, carrier: Carrier, journal: Journal
    ) -> None:
        self._account = account
        self._authorized = "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()
        self._script = script
        self._chance = chance
        self._clock = clock
        self._carrier = carrier
        self._journal = journal
        self._under_way = 0
        self._tokens, self._refilled = script.per_second or 0.0, 0.0

    def routes(self) -> list[web.RouteDef]:
        messages = f"/{VERSION}/Accounts/{{account}}/Messages"
        one = messages + r"/{sid:[^/]+}.json"
        return [
            web.post(messages + ".json", self.create),
            web.get(messages + ".json", self.list),
            web.get(one, self.fetch),
            web.post(one, self.update),
            web.delete(one, self.delete),
        ]

    def _turned_away(self, request: web.Request) -> int | None:
        if request.headers.get("Authorization") != self._authorized:
            return 20003
        return None if request.match_info["account"] == self._account else 20404

    async def create(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        self._under_way += 1
        try:
            response = await self._create(request, form)
            if not response.prepared:
                response.headers["Twilio-Concurrent-Requests"] = str(self._under_way)
            return response
        finally:
            self._under_way -= 1

    async def _create(self, request: web.Request, form: Mapping[str, str]) -> web.StreamResponse:
        if self._too_many():
            return self._limited(form)
        code = self._turned_away(request) or refused(form, self._carrier.senders, self._clock.now())
        if code is not None:
            return self._refused(form, code)
        ordinal = self._carrier.ordinal("create", form["To"])
        fate = self._script.person(form["To"]).fate(ordinal, self._chance, form["To"])
        if fate.call is Call.REFUSE:
            return self._refused(form, fate.code or 20001, ordinal)
        if fate.call is Call.RATE_LIMIT:
            return self._limited(form, ordinal)
        message = self._taken(form, fate, ordinal)
        if message is not None and (early := self._carrier.early(fate, message)):
            await self._carrier.report(message, early)
        await self._clock.sleep(self._chance.between(self._script.answer_after, "answer", form["To"], ordinal))
        return await self._answer(request, fate, message)

    def _taken(self, form: Mapping[str, str], fate: Fate, ordinal: int) -> Message | None:
        if not fate.taken:
            self._note(form, "not-taken", call=fate.call, ordinal=ordinal)
            return None
        wait = send_in(form).total_seconds() if form.get("ScheduleType") == "fixed" else 0.0
        message = self._carrier.take(form, fate, ordinal, wait)
        self._note(form, "taken", call=fate.call, ordinal=ordinal, sid=message.sid, segments=message.segments)
        return message

    async def _answer(self, request: web.Request, fate: Fate, message: Message | None) -> web.StreamResponse:
        match fate.call:
            case Call.RESET_BEFORE | Call.RESET_AFTER:
                return answers.reset(request)
            case Call.HANG:
                return await answers.never()
            case Call.HTTP:
                return web.Response(status=fate.code or 500, text="upstream error")
        resource = message.resource() if message else {}
        if fate.call is Call.TRUNCATED:
            return await answers.truncated(request, 201, resource)
        if fate.call is Call.NO_SID:
            resource["sid"] = None
        return answers.answered(201, resource)

    async def fetch(self, request: web.Request) -> web.Response:
        code, message = self._found(request)
        return answers.refused(code) if message is None else answers.answered(200, message.resource())

    async def list(self, request: web.Request) -> web.Response:
        if code := self._turned_away(request):
            return answers.refused(code)
        try:
            return answers.answered(200, self._carrier.store.page(self._account, request.query))
        except ValueError:
            return answers.refused(20001)

    async def update(self, request: web.Request) -> web.Response:
        form = await _form(request)
        code, message = self._found(request)
        if message is None:
            return answers.refused(code)
        code = _cannot_update(message, form)
        self._journal.note("update", "refused" if code else "done", sid=message.sid, code=code or None)
        if code:
            return answers.refused(code)
        if form.get("Status") == "canceled":
            self._carrier.cancel(message)
        else:
            message.body = ""
        return answers.answered(200, message.resource())

    async def delete(self, request: web.Request) -> web.Response:
        code, message = self._found(request)
        if message is None:
            return answers.refused(code)
        if message.status not in FINAL:
            return answers.refused(20009)
        self._carrier.store.remove(message)
        return web.Response(status=204)

    def _found(self, request: web.Request) -> tuple[int, Message | None]:
        code = self._turned_away(request)
        message = None if code else self._carrier.store.get(request.match_info["sid"])
        return code or 20404, message

    def _too_many(self) -> bool:
        """The account's ceilings: calls under way, and a bucket of calls per second."""
        script = self._script
        if script.concurrency is not None and self._under_way > script.concurrency:
            return True
        if script.per_second is None:
            return False
        now = self._clock.now()
        self._tokens = min(script.per_second, self._tokens + (now - self._refilled) * script.per_second)
        self._refilled = now
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False

    def _refused(self, form: Mapping[str, str], code: int, ordinal: int | None = None) -> web.Response:
        self._note(form, "refused", code=code, ordinal=ordinal)
        return answers.refused(code)

    def _limited(self, form: Mapping[str, str], ordinal: int | None = None) -> web.Response:
        self._note(form, "limited", code=20429, ordinal=ordinal)
        return answers.limited(self._script.retry_after)

    def _note(self, form: Mapping[str, str], outcome: str, **more: Any) -> None:
        """`callback`: what our side wrote into the callback's address, so that a checker can match the two."""
        self._journal.note(
            "create", outcome, t=round(self._clock.now(), 6), number=form.get("To", ""),
            sender=form.get("MessagingServiceSid") or form.get("From", ""), body=fingerprint(form.get("Body", "")),
            callback=dict(parse_qsl(urlsplit(form.get("StatusCallback", "")).query)), **more,
        )  # fmt: skip


def _cannot_update(message: Message, form: Mapping[str, str]) -> int:
    """0: it can."""
    if form.get("Status") == "canceled":
        return 0 if message.status in CANCELABLE else 30409
    if form.get("Body") != "" or "Status" in form:
        return 20001
    return 0 if message.status in FINAL else 20009


async def _form(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl((await request.read()).decode("utf-8", "replace"), keep_blank_values=True))
