"""Endpoints of event webhooks over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.console.api.scopes import Scope
from services.event_webhooks.store import FILE
from tests.console.api.serving import House, house_on
from tests.console.api.world import ENDPOINT, TENANT, add_endpoint, list_records

PATH = "/v1/event-webhooks/endpoints"
HOOK = {"url": "https://8.8.8.8/sayso", "owner": "it@acme.example", "events": ["message.*"]}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_on(tmp_path, *list_records()) as found:
        yield found


async def test_a_secret_is_shown_once_and_to_who_asks_the_same_again(house: House) -> None:
    caller = house.caller()
    made = await caller.post(PATH, HOOK, **{"Idempotency-Key": "hook-1"})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    again = await caller.post(PATH, HOOK, **{"Idempotency-Key": "hook-1"})
    assert (again.status_code, again.json()) == (201, made.json())
    (listed,) = (await caller.get(PATH)).json()["items"]
    assert "secret" not in listed
    assert (listed["state"], listed["deliveries"]["pending"]) == ("active", 0)
    secret = made.json()["secret"].removeprefix("whsec_").encode()
    kept = [
        file for file in house.harness.state.iterdir() if file.is_file() and FILE not in file.name
    ]
    assert not [file.name for file in kept if secret in file.read_bytes()]


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "https://10.0.0.1/hook"},
        {"url": "http://8.8.8.8/hook"},
        {"events": ["message.eaten"]},
        {"owner": "nobody"},
        {"colour": "red"},
    ],
)
async def test_what_cannot_be_is_refused(house: House, changed: dict[str, Any]) -> None:
    caller = house.caller()
    answer = await caller.post(PATH, HOOK | changed)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await caller.get(PATH)).json() == {"items": []}


async def test_an_endpoint_is_changed_paused_and_deleted(house: House) -> None:
    add_endpoint(house.harness.state)
    caller = house.caller(TENANT)
    one = f"{PATH}/{ENDPOINT}"
    changed = await caller.put(one, HOOK | {"include_numbers": True, "about": "CRM"})
    assert (changed.json()["include_numbers"], changed.json()["about"]) == (True, "CRM")
    assert (await caller.post(f"{one}/pause")).json()["state"] == "paused"
    assert (await caller.post(f"{one}/pause")).json()["type"] == "/v1/problems/refused"
    assert (await caller.post(f"{one}/test")).status_code == 422
    assert (await caller.post(f"{one}/resume")).json()["state"] == "active"
    assert (await caller.post(f"{one}/test")).json()["type"] == "endpoint.test"
    old = (await caller.post(f"{one}/rotate-secret", {"keep_hours": 0})).json()["secret"]
    assert old != (await caller.post(f"{one}/rotate-secret", {})).json()["secret"]
    assert (await caller.delete(one)).json() == {"id": ENDPOINT}
    assert (await caller.get(one)).status_code == 404


async def test_what_was_given_up_is_delivered_again(house: House) -> None:
    delivery = add_endpoint(house.harness.state)
    caller = house.caller(TENANT)
    one = f"{PATH}/{ENDPOINT}"
    await caller.post(f"{one}/test")
    first = (await caller.get(f"{one}/deliveries?limit=1")).json()
    second = (await caller.get(first["next"])).json()
    assert [page["items"][0]["state"] for page in (first, second)] == ["pending", "failed"]
    assert second["next"] is None
    answer = await caller.get(first["next"].replace("limit=1", "limit=1&state=failed"))
    assert answer.status_code == 422, "a cursor belongs to its filter"
    again = await caller.post(f"{one}/deliveries/{delivery}/replay")
    assert (again.json()["state"], again.json()["failures"]) == ("pending", 0)
    period = {"since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    assert (await caller.post(f"{one}/replay", period)).json() == {"deliveries": 0}
    backwards = {"since": period["until"], "until": period["since"]}
    assert (await caller.post(f"{one}/replay", backwards)).status_code == 422


async def test_of_another_tenant_there_is_none(house: House) -> None:
    delivery = add_endpoint(house.harness.state)
    other = house.caller("bolt")
    one = f"{PATH}/{ENDPOINT}"
    assert (await other.get(PATH)).json() == {"items": []}
    for method, path, told in (
        ("GET", one, None),
        ("PUT", one, HOOK),
        ("DELETE", one, None),
        ("POST", f"{one}/pause", None),
        ("POST", f"{one}/resume", None),
        ("POST", f"{one}/test", None),
        ("POST", f"{one}/rotate-secret", {}),
        ("GET", f"{one}/deliveries", None),
        ("POST", f"{one}/deliveries/{delivery}/replay", None),
    ):
        assert (await other.ask(method, path, told)).status_code == 404, (method, path)
    mine = (await other.post(PATH, HOOK)).json()["id"]
    stolen = await other.post(f"{PATH}/{mine}/deliveries/{delivery}/replay")
    assert stolen.status_code == 404
    reader = house.caller(TENANT, scopes=[Scope.MESSAGES_READ])
    assert (await reader.get(PATH)).status_code == 403
