"""Endpoints that are told of events: add, change, pause, test, delete, and replay what they missed.

Secrets are in the file of the process that delivers. The answer that shows one is never kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from schemas.base import Slug
from services.console.api.calls import ApiRoute, Call, changes, reads
from services.console.api.event_webhook_models import (
    HOUR,
    Deleted,
    DeliveryCounts,
    DeliveryItem,
    DeliveryPage,
    DeliveryQuery,
    EndpointInput,
    EndpointItem,
    EndpointList,
    NewSecret,
    Replayed,
    ReplayPeriod,
    RotateSecret,
)
from services.console.api.once import once
from services.console.api.paging import next_page, not_found
from services.console.api.scopes import Scope
from services.event_webhooks.deliveries import Delivery
from services.event_webhooks.endpoints import Endpoint
from services.ledger.paging import read_cursor, write_cursor
from services.operations.errors import InvalidRequest
from services.operations.event_webhooks import (
    EndpointManager,
    manage_endpoints,
)

router = APIRouter(route_class=ApiRoute, tags=["event webhooks"])
T = TypeVar("T")
PATH: Final = "/v1/event-webhooks/endpoints"
ONE: Final = PATH + "/{endpoint_id}"
_KINDS: Final = (int,)
"""Of a cursor: the id of a delivery."""
NEWEST: Final = 2**62
DeliveryId = Annotated[int, Path(ge=1, le=NEWEST)]


class _Made(BaseModel):
    """What is kept of an answer that shows a secret."""

    id: str


def _open(call: Call) -> AbstractContextManager[EndpointManager]:
    """Raises OperationFailed."""
    return manage_endpoints(call.console.settings, call.tenant)


def _find(manager: EndpointManager, endpoint_id: str) -> Endpoint:
    """Raises Problem."""
    try:
        return manager.get(endpoint_id)
    except InvalidRequest:
        raise not_found("endpoint") from None


async def _manage(call: Call, work: Callable[[EndpointManager], T]) -> T:
    """In a thread: the file may be locked for a moment."""

    def run() -> T:
        with _open(call) as manager:
            return work(manager)

    return await asyncio.to_thread(run)


@router.get(PATH)
def list_endpoints(call: Annotated[Call, reads(Scope.EVENT_WEBHOOKS)]) -> EndpointList:
    """List endpoints, the oldest first."""
    with _open(call) as manager:
        return EndpointList(items=[_describe(manager, one) for one in manager.list()])


@router.post(PATH, status_code=201, response_model=NewSecret)
async def create_endpoint(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], told: EndpointInput
) -> Response:
    """Add an endpoint. The answer has its secret."""

    async def work() -> _Made:
        with _open(call) as manager:
            made = await manager.add(call.tenant, call.by, **_fields(told))
        return _Made(id=made.endpoint.id)

    return await _show_secret(call, told, work, 201)


@router.get(ONE)
def get_endpoint(
    call: Annotated[Call, reads(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug
) -> EndpointItem:
    """Look at one endpoint."""
    with _open(call) as manager:
        return _describe(manager, _find(manager, endpoint_id))


@router.put(ONE, response_model=EndpointItem)
async def put_endpoint(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug, told: EndpointInput
) -> Response:
    """Change an endpoint. Events that wait already keep what they hold."""

    async def work() -> EndpointItem:
        with _open(call) as manager:
            _find(manager, endpoint_id)
            return _describe(manager, await manager.change(endpoint_id, call.by, **_fields(told)))

    return await once(call, told, work, status=200)


@router.delete(ONE, response_model=Deleted)
async def delete_endpoint(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug
) -> Response:
    """Delete an endpoint with all its deliveries."""

    def delete(manager: EndpointManager) -> Deleted:
        _find(manager, endpoint_id)
        return Deleted(id=manager.delete(endpoint_id, call.by).id)

    return await once(call, None, lambda: _manage(call, delete), status=200)


@router.post(ONE + "/pause", response_model=EndpointItem)
async def pause_endpoint(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug
) -> Response:
    """Pause an endpoint: what happens from now on waits."""
    return await _act(call, endpoint_id, lambda manager: manager.pause(endpoint_id, call.by))


@router.post(ONE + "/resume", response_model=EndpointItem)
async def resume_endpoint(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug
) -> Response:
    """Resume an endpoint: what waits is due at once."""
    return await _act(call, endpoint_id, lambda manager: manager.resume(endpoint_id, call.by))


async def _act(call: Call, endpoint_id: str, act: Callable[[EndpointManager], Any]) -> Response:
    def run(manager: EndpointManager) -> EndpointItem:
        _find(manager, endpoint_id)
        act(manager)
        return _describe(manager, manager.get(endpoint_id))

    return await once(call, None, lambda: _manage(call, run), status=200)


@router.post(ONE + "/rotate-secret", response_model=NewSecret)
async def rotate_secret(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug, told: RotateSecret
) -> Response:
    """Make a new secret. For a while events are signed with both."""

    def rotate(manager: EndpointManager) -> _Made:
        _find(manager, endpoint_id)
        manager.rotate(endpoint_id, call.by, told.keep_hours * HOUR)
        return _Made(id=endpoint_id)

    return await _show_secret(call, told, lambda: _manage(call, rotate), 200)


async def _show_secret(
    call: Call, told: BaseModel, work: Callable[[], Awaitable[_Made]], status: int
) -> Response:
    """The same call again shows the secret that holds by then."""
    kept = await once(call, told, work)
    made = _Made.model_validate_json(bytes(kept.body))

    def read(manager: EndpointManager) -> NewSecret:
        endpoint = _find(manager, made.id)
        item = _describe(manager, endpoint)
        return NewSecret(**item.model_dump(), secret=endpoint.secret.get_secret_value())

    answer = (await _manage(call, read)).model_dump_json()
    return Response(answer, status, media_type="application/json")


@router.post(ONE + "/test", response_model=DeliveryItem)
async def test_endpoint(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug
) -> Response:
    """Send an event `endpoint.test` there. Its delivery tells what came of it."""

    def send(manager: EndpointManager) -> DeliveryItem:
        _find(manager, endpoint_id)
        return _describe_delivery(manager.send_test(endpoint_id, call.by))

    return await once(call, None, lambda: _manage(call, send), status=200)


@router.get(ONE + "/deliveries")
def list_deliveries(
    call: Annotated[Call, reads(Scope.EVENT_WEBHOOKS)],
    endpoint_id: Slug,
    query: Annotated[DeliveryQuery, Query()],
) -> DeliveryPage:
    """List what was or is to be delivered, the newest first."""
    name = f"{call.tenant}/{endpoint_id}/{query.state}"
    before = min(read_cursor(query.cursor, _KINDS, name)[0], NEWEST) if query.cursor else None
    with _open(call) as manager:
        _find(manager, endpoint_id)
        found = manager.page(endpoint_id, query.state, query.limit + 1, before)
    shown = found[: query.limit]
    cursor = write_cursor((shown[-1].id,), name) if len(found) > len(shown) else None
    return DeliveryPage(
        items=[_describe_delivery(one) for one in shown], next=next_page(call, query, cursor)
    )


@router.post(ONE + "/deliveries/{delivery_id}/replay", response_model=DeliveryItem)
async def replay_delivery(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)],
    endpoint_id: Slug,
    delivery_id: DeliveryId,
) -> Response:
    """Deliver it once more, with the same id."""

    def replay(manager: EndpointManager) -> DeliveryItem:
        _find(manager, endpoint_id)
        try:
            is_its_own = manager.get_delivery(delivery_id).endpoint == endpoint_id
        except InvalidRequest:
            is_its_own = False
        if not is_its_own:
            raise not_found("delivery")
        return _describe_delivery(manager.replay(delivery_id, call.by))

    return await once(call, None, lambda: _manage(call, replay), status=200)


@router.post(ONE + "/replay", response_model=Replayed)
async def replay_period(
    call: Annotated[Call, changes(Scope.EVENT_WEBHOOKS)], endpoint_id: Slug, told: ReplayPeriod
) -> Response:
    """Deliver the events of a period once more: those that were given up, or every one."""

    def replay(manager: EndpointManager) -> Replayed:
        _find(manager, endpoint_id)
        found = manager.replay_period(
            endpoint_id, told.since, told.until, call.by, every=told.every
        )
        return Replayed(deliveries=found)

    return await once(call, told, lambda: _manage(call, replay), status=200)


def _fields(told: EndpointInput) -> dict[str, Any]:
    return {
        "url": told.url,
        "owner": told.owner,
        "events": told.events,
        "about": told.about,
        "numbers": told.include_numbers,
        "texts": told.include_text,
    }


def _describe(manager: EndpointManager, one: Endpoint) -> EndpointItem:
    return EndpointItem(
        id=one.id,
        url=one.url,
        owner=one.owner,
        events=list(one.events),
        about=one.about,
        include_numbers=one.wishes.numbers,
        include_text=one.wishes.texts,
        state=one.state,
        created_at=one.created_at,
        failures=one.failures,
        failing_since=one.failing_since,
        succeeded_at=one.success_at,
        deliveries=DeliveryCounts(**manager.count(one.id)),
    )


def _describe_delivery(one: Delivery) -> DeliveryItem:
    """Without its body, which may have numbers and texts."""
    shared = {name: getattr(one, name) for name in DeliveryItem.model_fields}
    return DeliveryItem(**shared)
