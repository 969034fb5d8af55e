"""The HTTP side: `POST /v1/tenants/{tenant}/consents`. A 2xx answer means that Kafka has the
claim."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
from aiohttp import web

from schemas.consent import ConsentAction, ConsentEvent
from schemas.numbers import mask_number
from schemas.topics import CONSENT_EVENTS
from services.consents.idempotency_store import IdempotencyStore, Reservation
from services.consents.keys import ApiKey, ApiKeys, KeysError
from services.consents.parsing import Problem, parse_claim
from services.kafka.publisher import NotPublished, Publisher
from services.ledger import Ledger, LedgerError
from services.ledger.ledger import FILE

MAX_BODY: Final = 32 << 10
"""Bytes. 4,000 characters of wording, each escaped as \\uXXXX, are 24 kB."""
READ_TIMEOUT: Final = 10.0
"""Seconds for the whole body."""
RETRY_AFTER: Final = "5"
"""Seconds."""
PATH: Final = "/v1/tenants/{tenant}/consents"

log = structlog.get_logger("sayso.consents")


class TenantDirectory:
    """Which tenants exist, as far as the ledger knows. Without a ledger every tenant is accepted:
    the gate decides what becomes of the claim."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE
        self._known: set[str] = set()

    def has(self, tenant: str) -> bool:
        """A tenant that was found once is not looked up again."""
        if tenant not in self._known and self._is_in_ledger(tenant):
            self._known.add(tenant)
        return tenant in self._known

    def _is_in_ledger(self, tenant: str) -> bool:
        try:
            ledger = Ledger.open(self._path, existing=True)
        except LedgerError:
            return True
        try:
            return bool(ledger.rows("SELECT 1 FROM tenants WHERE tenant = ?", tenant))
        finally:
            ledger.close()


class _Refusal(NamedTuple):
    status: int
    error: str
    problems: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = {}


class Consents:
    def __init__(
        self, keys: ApiKeys, ids: IdempotencyStore, tenants: TenantDirectory, publisher: Publisher
    ) -> None:
        self._keys = keys
        self._ids = ids
        self._tenants = tenants
        self._publisher = publisher
        self.counts: Counter[str] = Counter()
        """Answers by HTTP status."""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY, middlewares=[_answer_in_json])
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
        """Identify the caller before looking at anything of the body."""
        tenant = request.match_info["tenant"]
        now = datetime.now(UTC)
        key = self._identify(request, tenant)
        if isinstance(key, _Refusal):
            return self._refuse(key)
        body = await _read_body(request)
        if isinstance(body, _Refusal):
            return self._refuse(body)
        event = parse_claim(tenant, body, key.id, now)
        if not isinstance(event, ConsentEvent):
            fix = "put right what `problems` names, and send it again"
            return self._refuse(_Refusal(422, fix, event))
        return await self._publish(event, now)

    def _identify(self, request: web.Request, tenant: str) -> ApiKey | _Refusal:
        scheme, _, written = request.headers.get("Authorization", "").partition(" ")
        try:
            key = self._keys.find(written.strip()) if scheme.lower() == "bearer" else None
        except KeysError as problem:
            log.error("no keys", problem=str(problem))
            fix = "the keys cannot be read just now: try again"
            return _Refusal(503, fix, headers={"Retry-After": RETRY_AFTER})
        if key is None:
            fix = (
                "send a key that holds, as `Authorization: Bearer sayso_...`; "
                "`sayso keys add` makes one"
            )
            return _Refusal(401, fix, headers={"WWW-Authenticate": 'Bearer realm="sayso"'})
        if key.tenant != tenant:
            fix = (
                "this key is another tenant's: use one that was made for the tenant of the address"
            )
            return _Refusal(403, fix)
        if not self._tenants.has(tenant):
            fix = (
                "this tenant has no settings: publish them with `sayso tenants apply`, "
                "then try again"
            )
            return _Refusal(404, fix)
        return key

    async def _publish(self, event: ConsentEvent, now: datetime) -> web.Response:
        try:
            reserved = self._ids.reserve(event, now)
        except sqlite3.Error as problem:
            # Probably a full disk. A STOP must get through all the same; the gate recognises
            # repeats.
            log.error("no ids", problem=str(problem))
            reserved = Reservation.UNCONFIRMED
        if reserved is Reservation.CONFLICT and event.action != ConsentAction.OPT_OUT:
            fix = "this event_id was used for something else: give each event an id of its own"
            return self._refuse(_Refusal(409, fix))
        # The gate takes an opt-out under any id.
        repeated = reserved is Reservation.PUBLISHED
        if not repeated:
            try:
                await self._publisher.publish(CONSENT_EVENTS, event)
            except NotPublished as problem:
                log.warning("not published", tenant=event.tenant, problem=str(problem))
                fix = "Kafka did not confirm: send the same again, under the same event_id"
                return self._refuse(_Refusal(503, fix, headers={"Retry-After": RETRY_AFTER}))
            if reserved is not Reservation.CONFLICT:
                with contextlib.suppress(sqlite3.Error):
                    self._ids.mark_published(event)
            number = mask_number(event.number)
            log.info("taken", tenant=event.tenant, number=number, action=str(event.action))
        status = 200 if repeated else 202
        self.counts[str(status)] += 1
        answer = {
            "event_id": event.event_id,
            "action": event.action,
            "source": event.source,
            "repeated": repeated,
        }
        return web.json_response(answer, status=status)

    def _refuse(self, refusal: _Refusal) -> web.Response:
        """Log the first, tenth, hundredth... refusal only: many bad calls must not become as many
        log lines."""
        self.counts[str(refusal.status)] += 1
        count = self.counts[str(refusal.status)]
        if str(count).strip("0") == "1":
            fields = [problem.field for problem in refusal.problems]
            log.warning(
                "refused", status=refusal.status, why=refusal.error, fields=fields, so_far=count
            )
        return _respond(refusal)


async def _read_body(request: web.Request) -> dict[str, Any] | _Refusal:
    if request.content_type != "application/json":
        return _Refusal(415, "send JSON, with `Content-Type: application/json`")
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            body = json.loads(await request.read())
    except TimeoutError:
        return _Refusal(408, "the body did not come in time: send it again")
    except web.HTTPRequestEntityTooLarge:
        return _Refusal(413, f"send at most {MAX_BODY} bytes")
    except (ValueError, RecursionError):
        return _Refusal(400, "the body is not JSON in UTF-8")
    if not isinstance(body, dict):
        return _Refusal(400, "the body is not a JSON object")
    return _add_event_id(body, request.headers.get("Idempotency-Key"))


def _add_event_id(body: dict[str, Any], header: str | None) -> dict[str, Any] | _Refusal:
    """The header `Idempotency-Key` is another way to send `event_id`."""
    if header is None:
        return body
    if body.get("event_id", header) != header:
        fix = "Idempotency-Key and event_id differ: send one of them, or the same in both"
        return _Refusal(422, fix)
    return body | {"event_id": header}


def _respond(refusal: _Refusal) -> web.Response:
    answer: dict[str, Any] = {"error": refusal.error}
    if refusal.problems:
        answer["problems"] = [problem._asdict() for problem in refusal.problems]
    return web.json_response(answer, status=refusal.status, headers=refusal.headers)


@web.middleware
async def _answer_in_json(request: web.Request, handler: Any) -> web.StreamResponse:
    """Also what aiohttp itself refuses: an unknown address or method."""
    try:
        found: web.StreamResponse = await handler(request)
    except web.HTTPException as error:
        is_unknown = error.status in {404, 405}
        fix = f"there is nothing here: POST to {PATH}" if is_unknown else error.reason
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _respond(_Refusal(error.status, fix, headers=allowed))
    return found
