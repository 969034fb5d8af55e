"""The HTTP side: `POST /v1/tenants/{tenant}/consents`.  2xx means that Kafka has it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import structlog
from aiohttp import web

from schemas.consent import ConsentEvent
from schemas.numbers import mask_number
from schemas.topics import CONSENT_EVENTS
from services.consents.ids import Ids
from services.consents.keys import Key, Keys, KeysError
from services.consents.reading import Problem, claim
from services.consents.tenants import Tenants
from services.kafka.publisher import NotPublished, Publisher

LONGEST_BODY: Final = 32 << 10
"""Bytes.  4,000 characters of wording, each escaped as \\uXXXX, are 24 kB."""
READ_WITHIN: Final = 10.0
COME_AGAIN: Final = "5"
"""Seconds."""
PATH: Final = "/v1/tenants/{tenant}/consents"

log = structlog.get_logger("sayso.consents")


class _Refusal(NamedTuple):
    status: int
    error: str
    problems: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = {}


class _Stores(NamedTuple):
    """What the state folder holds for it."""

    keys: Keys
    ids: Ids
    tenants: Tenants


class Consents:
    def __init__(self, keys: Keys, ids: Ids, tenants: Tenants, publisher: Publisher) -> None:
        self._stores = _Stores(keys, ids, tenants)
        self._publisher = publisher
        self.counts: Counter[str] = Counter()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LONGEST_BODY, middlewares=[_in_json])
        app.add_routes(
            [web.post(PATH, self.take), web.get("/live", self.live), web.get("/ready", self.ready)]
        )
        return app

    async def live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True, "answers": self.counts})

    async def ready(self, _request: web.Request) -> web.Response:
        ready = await self._publisher.is_reachable()
        return web.json_response({"ready": ready, "kafka": ready}, status=200 if ready else 503)

    async def take(self, request: web.Request) -> web.Response:
        """Who calls is settled before anything of the body is looked at."""
        tenant, now = request.match_info["tenant"], datetime.now(UTC)
        key = self._caller(request, tenant)
        if isinstance(key, _Refusal):
            return self._refused(key)
        body = await _body(request)
        if isinstance(body, _Refusal):
            return self._refused(body)
        event = claim(tenant, body, key.id, now)
        if not isinstance(event, ConsentEvent):
            return self._refused(
                _Refusal(422, "put right what `problems` names, and send it again", event)
            )
        return await self._published(event, now)

    def _caller(self, request: web.Request, tenant: str) -> Key | _Refusal:
        scheme, _, written = request.headers.get("Authorization", "").partition(" ")
        try:
            key = self._stores.keys.holder(written.strip()) if scheme.lower() == "bearer" else None
        except KeysError as problem:
            log.error("no keys", problem=str(problem))
            return _Refusal(
                503,
                "the keys cannot be read just now: try again",
                headers={"Retry-After": COME_AGAIN},
            )
        if key is None:
            fix = "send a key that holds, as `Authorization: Bearer sayso_...`; `sayso keys add` makes one"
            return _Refusal(401, fix, headers={"WWW-Authenticate": 'Bearer realm="sayso"'})
        if key.tenant != tenant:
            return _Refusal(
                403,
                "this key is another tenant's: use one that was made for the tenant of the address",
            )
        if not self._stores.tenants.known(tenant):
            return _Refusal(
                404,
                "this tenant has no settings: publish them with `sayso tenants apply`, then try again",
            )
        return key

    async def _published(self, event: ConsentEvent, now: datetime) -> web.Response:
        try:
            taken = self._stores.ids.take(event, now)
        except sqlite3.Error as problem:  # a disk that is full: a STOP has to get through
            log.error("no ids", problem=str(problem))
            taken = "again"
        if taken == "other":
            fix = "this event_id was used for something else: give each event an id of its own"
            return self._refused(_Refusal(409, fix))
        if taken != "done":
            try:
                await self._publisher.publish(CONSENT_EVENTS, event)
            except NotPublished as problem:
                log.warning("not published", tenant=event.tenant, problem=str(problem))
                again = "Kafka did not confirm: send the same again, under the same event_id"
                return self._refused(_Refusal(503, again, headers={"Retry-After": COME_AGAIN}))
            with contextlib.suppress(sqlite3.Error):
                self._stores.ids.published(event)
            log.info(
                "taken",
                tenant=event.tenant,
                number=mask_number(event.number),
                action=str(event.action),
            )
        status = 200 if taken == "done" else 202
        self.counts[str(status)] += 1
        said = {
            "event_id": event.event_id,
            "action": event.action,
            "source": event.source,
            "repeated": taken == "done",
        }
        return web.json_response(said, status=status)

    def _refused(self, refusal: _Refusal) -> web.Response:
        """Logged at the first, the tenth, the hundredth...: a flood must not become a flood of lines."""
        self.counts[str(refusal.status)] += 1
        count = self.counts[str(refusal.status)]
        if str(count).strip("0") == "1":
            fields = [problem.field for problem in refusal.problems]
            log.warning(
                "refused", status=refusal.status, why=refusal.error, fields=fields, so_far=count
            )
        return _answer(refusal)


async def _body(request: web.Request) -> dict[str, Any] | _Refusal:
    if request.content_type != "application/json":
        return _Refusal(415, "send JSON, with `Content-Type: application/json`")
    try:
        async with asyncio.timeout(READ_WITHIN):
            body = json.loads(await request.read())
    except TimeoutError:
        return _Refusal(408, "the body did not come in time: send it again")
    except web.HTTPRequestEntityTooLarge:
        return _Refusal(413, f"send at most {LONGEST_BODY} bytes")
    except (ValueError, RecursionError):
        return _Refusal(400, "the body is not JSON in UTF-8")
    if not isinstance(body, dict):
        return _Refusal(400, "the body is not a JSON object")
    return _identified(body, request.headers.get("Idempotency-Key"))


def _identified(body: dict[str, Any], header: str | None) -> dict[str, Any] | _Refusal:
    """The header `Idempotency-Key` is another way to write `event_id`."""
    if header is None or body.get("event_id", header) == header:
        return body if header is None else body | {"event_id": header}
    return _Refusal(
        422, "Idempotency-Key and event_id differ: send one of them, or the same in both"
    )


def _answer(refusal: _Refusal) -> web.Response:
    said: dict[str, Any] = {"error": refusal.error}
    if refusal.problems:
        said["problems"] = [problem._asdict() for problem in refusal.problems]
    return web.json_response(said, status=refusal.status, headers=refusal.headers)


@web.middleware
async def _in_json(request: web.Request, handler: Any) -> web.StreamResponse:
    """What aiohttp itself refuses (no such address, no such method) is said like everything else."""
    try:
        found: web.StreamResponse = await handler(request)
    except web.HTTPException as error:
        fix = (
            f"there is nothing here: POST to {PATH}" if error.status in {404, 405} else error.reason
        )
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _answer(_Refusal(error.status, fix, headers=allowed))
    return found
