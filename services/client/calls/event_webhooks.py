"""Calls for endpoints that are told of events."""

from __future__ import annotations

from typing import Final, Literal

from services.client.models.event_webhooks import (
    Deleted,
    DeliveryItem,
    DeliveryPage,
    EndpointInput,
    EndpointItem,
    EndpointList,
    NewSecret,
    Replayed,
    ReplayPeriod,
    RotateSecret,
)
from services.client.operation import Operation, change, part, read

PATH: Final = "/v1/event-webhooks/endpoints"
State = Literal["pending", "delivered", "failed"]


def list_all() -> Operation[EndpointList]:
    return read(PATH, EndpointList)


def get(endpoint_id: str) -> Operation[EndpointItem]:
    return read(_path(endpoint_id), EndpointItem)


def create(given: EndpointInput, key: str | None) -> Operation[NewSecret]:
    return change("POST", PATH, NewSecret, given, key)


def put(endpoint_id: str, given: EndpointInput, key: str | None) -> Operation[EndpointItem]:
    return change("PUT", _path(endpoint_id), EndpointItem, given, key)


def delete(endpoint_id: str, key: str | None) -> Operation[Deleted]:
    return change("DELETE", _path(endpoint_id), Deleted, None, key)


def say(
    endpoint_id: str, action: Literal["pause", "resume"], key: str | None
) -> Operation[EndpointItem]:
    return change("POST", f"{_path(endpoint_id)}/{action}", EndpointItem, None, key)


def rotate_secret(endpoint_id: str, keep_hours: int, key: str | None) -> Operation[NewSecret]:
    given = RotateSecret(keep_hours=keep_hours)
    return change("POST", f"{_path(endpoint_id)}/rotate-secret", NewSecret, given, key)


def send_test(endpoint_id: str, key: str | None) -> Operation[DeliveryItem]:
    return change("POST", f"{_path(endpoint_id)}/test", DeliveryItem, None, key)


def deliveries(endpoint_id: str, state: State | None, limit: int | None) -> Operation[DeliveryPage]:
    query = {"state": state, "limit": limit}
    return read(f"{_path(endpoint_id)}/deliveries", DeliveryPage, query)


def replay(endpoint_id: str, delivery_id: int, key: str | None) -> Operation[DeliveryItem]:
    path = f"{_path(endpoint_id)}/deliveries/{delivery_id}/replay"
    return change("POST", path, DeliveryItem, None, key)


def replay_period(endpoint_id: str, given: ReplayPeriod, key: str | None) -> Operation[Replayed]:
    return change("POST", f"{_path(endpoint_id)}/replay", Replayed, given, key)


def _path(endpoint_id: str) -> str:
    return f"{PATH}/{part(endpoint_id)}"
