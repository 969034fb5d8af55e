"""Twilio's Messages API over HTTP: create, fetch, list, update, delete."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from services.local.simulator.carrier import Carrier
from services.local.simulator.context import Context
from services.local.simulator.create_message import CreateMessage
from services.local.simulator.http_server import Request, Response, Route, route
from services.local.simulator.messages import API_VERSION, FINAL_STATUSES, Message
from services.local.simulator.responses import (
    error_response,
    json_response,
    rate_limit_response,
    reset_connection,
    respond_as_scripted,
)
from services.local.simulator.script import Endpoint, ResponseKind, Scenario

CANCELABLE: Final = frozenset({"accepted", "scheduled", "queued"})


class Api:
    def __init__(self, context: Context, carrier: Carrier, token: str) -> None:
        self._context = context
        self._carrier = carrier
        self._create_message = CreateMessage(context, carrier)
        credentials = base64.b64encode(f"{context.account}:{token}".encode())
        self._authorization = b"Basic " + credentials

    def routes(self) -> list[Route]:
        messages = f"/{API_VERSION}/Accounts/{{account}}/Messages"
        return [
            route("POST", messages + ".json", self.create),
            route("GET", messages + ".json", self.list),
            route("GET", messages + "/{sid}.json", self.fetch),
            route("POST", messages + "/{sid}.json", self.update),
            route("DELETE", messages + "/{sid}.json", self.delete),
        ]

    async def create(self, request: Request) -> Response | None:
        arrived = self._context.clock.now()
        if self._create_message.reset_unread(request):
            return None
        form = await _read_form(request)
        denial = self._deny(request)
        return await self._create_message.respond(request, form, arrived, denial)

    async def fetch(self, request: Request) -> Response:
        code, message = self._find(request)
        if message is None:
            return error_response(code)
        return json_response(200, message.resource())

    async def update(self, request: Request) -> Response:
        form = await _read_form(request)
        code, message = self._find(request)
        if message is None:
            return error_response(code)
        code = _check_update(message, form)
        outcome = "refused" if code else "done"
        self._context.journal.note("update", outcome, sid=message.sid, code=code or None)
        if code:
            return error_response(code)
        if form.get("Status") == "canceled":
            self._carrier.cancel(message)
        else:
            message.body = ""
        return json_response(200, message.resource())

    async def delete(self, request: Request) -> Response:
        code, message = self._find(request)
        if message is None:
            return error_response(code)
        if message.status not in FINAL_STATUSES:
            return error_response(20009)
        self._context.messages.remove(message)
        return Response(204)

    async def list(self, request: Request) -> Response | None:
        """Newest first, by pages, with the faults of a list: late, or unavailable."""
        # of a name that is given twice, the first value counts
        query = dict(reversed(parse_qsl(request.query_string, keep_blank_values=True)))
        number = query.get("To", "")
        if denial := self._deny(request):
            return self._refuse_list(number, denial)
        faults = self._context.faults
        unread = faults.match_unread(Endpoint.LIST)
        fault = faults.match_list(number)
        if unread is not None:
            self._note_list("unread", number, fault=unread.name)
            reset_connection(request)
            return None
        scenario = fault.fault.apply_to(Scenario()) if fault else Scenario()
        if fault is not None and scenario.call is not ResponseKind.SLOW:
            self._note_list("failed", number, fault=fault.name)
        if scenario.call is ResponseKind.RATE_LIMIT:
            return rate_limit_response(scenario.retry_after)
        if scenario.call is ResponseKind.SLOW:
            await self._context.clock.sleep(scenario.seconds)
        try:
            page = self._read_page(query, number)
        except ValueError:
            return self._refuse_list(number, 20001)
        if scenario.call in {ResponseKind.OK, ResponseKind.SLOW}:
            self._note_list("listed", number, entries=len(page["messages"]), page=page["page"])
        return await respond_as_scripted(request, scenario, 200, page)

    def _read_page(self, query: Mapping[str, str], number: str) -> dict[str, Any]:
        """Raises ValueError for a date or a size that cannot be read."""
        context = self._context
        lag = context.clock.to_real(context.faults.list_lag(number))
        known_by = time.time() - lag if lag else None
        return context.messages.list_page(context.account, query, known_by)

    def _refuse_list(self, number: str, code: int) -> Response:
        self._note_list("refused", number, code=code)
        return error_response(code)

    def _note_list(self, outcome: str, number: str, **details: Any) -> None:
        self._context.journal.note("list", outcome, number=number, **details)

    def _deny(self, request: Request) -> int | None:
        """The error code for a caller with the wrong credentials or account."""
        if request.headers.get(b"authorization") != self._authorization:
            return 20003
        return None if request.match["account"] == self._context.account else 20404

    def _find(self, request: Request) -> tuple[int, Message | None]:
        """The message, or the error code and None."""
        denial = self._deny(request)
        if denial:
            return denial, None
        return 20404, self._context.messages.get(request.match["sid"])


def _check_update(message: Message, form: Mapping[str, str]) -> int:
    """The error code; 0: it can be updated."""
    if form.get("Status") == "canceled":
        return 0 if message.status in CANCELABLE else 30409
    if form.get("Body") != "" or "Status" in form:
        return 20001
    return 0 if message.status in FINAL_STATUSES else 20009


async def _read_form(request: Request) -> dict[str, str]:
    body = (await request.read()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True))
