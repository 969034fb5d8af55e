"""A webhook that only listens: what came, in which order, and whether Twilio's own validator
believes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import parse_qs, parse_qsl

from aiohttp import web
from twilio.request_validator import RequestValidator

from services.local.simulator.server import TOKEN
from tests.adapters.servers import server


class Heard(NamedTuple):
    path: str
    query: Mapping[str, list[str]]
    form: Mapping[str, str]
    genuine: bool

    @property
    def status(self) -> str:
        return self.form["MessageStatus"]


class Hook:
    """`answers`: the HTTP statuses it gives, one after the other, then 204."""

    def __init__(self) -> None:
        self.url = ""
        self.public_url = ""
        self.heard: list[Heard] = []
        self.answers: list[int] = []

    async def _take(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
        genuine = RequestValidator(TOKEN).validate(
            self.public_url + request.raw_path, form, request.headers["X-Twilio-Signature"]
        )
        query = parse_qs(request.raw_path.partition("?")[2])
        self.heard.append(Heard(request.path, query, form, genuine))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)

    @property
    def statuses(self) -> list[str]:
        return [one.status for one in self.heard if one.path == "/twilio/status"]


@asynccontextmanager
async def hook(public_url: str = "") -> AsyncIterator[Hook]:
    listening = Hook()
    async with server(listening._take) as url:
        listening.url, listening.public_url = url, public_url or url
        yield listening
