"""The client does all that the API does, and reads all that it says."""

from __future__ import annotations

import inspect
import json
import logging
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from services import client as package
from services.client import ApiError, AsyncClient, BatchStopped, Client, SendText
from services.client.models import (
    base,
    cases,
    consents,
    event_webhooks,
    people,
    reports,
    texts,
    threads,
)
from services.console.api.keys import HIGHEST_RATE
from services.console.api.scopes import Scope
from tests.client.calls import CALLS, CASE, MESSAGE, NUMBER, TEXT, finish, finish_later
from tests.console.api.serving import House, house_on
from tests.console.api.world import TENANT, World, add_endpoint, list_records, world_on
from tests.console.harness import URL

DOCUMENT = json.loads(Path("docs/reference/openapi.json").read_text())
MODELS = {
    name: model
    for module in (base, cases, consents, event_webhooks, people, reports, texts, threads)
    for name, model in vars(module).items()
    if inspect.isclass(model)
    and issubclass(model, BaseModel)
    and model.__module__ == module.__name__
}
LEFT_OUT: dict[str, str] = {}
"""Operations without a method, each with the reason."""
OURS = {"Input", "Output", "Page"}
"""Models that only share what others have in common."""
KEY = "sayso_0123456789ab_" + "k" * 43


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_on(tmp_path, *list_records()) as found:
        yield found


def list_methods(client: type | object, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in inspect.getmembers(client):
        if name.startswith("_") or (name in ("close", "aclose") and not prefix):
            continue
        if callable(value):
            found[prefix + name] = value
        else:
            found |= list_methods(value, f"{name}.")
    return found


def test_each_operation_has_a_method_and_each_method_is_called_here() -> None:
    asked: set[tuple[str, str]] = set()

    def note(request: httpx2.Request) -> httpx2.Response:
        asked.add((request.method, request.url.path))
        return httpx2.Response(500)

    with Client(URL, KEY, transport=httpx2.MockTransport(note)) as client:
        assert set(list_methods(client)) == set(CALLS)
        for call in CALLS.values():
            with pytest.raises(package.SaysoError):
                finish(call(client))
    operations = {
        told["operationId"]: (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)))
        for path, methods in DOCUMENT["paths"].items()
        for method, told in methods.items()
    }
    missing = {
        name
        for name, (method, path) in operations.items()
        if not any(method == was and path.fullmatch(at) for was, at in asked)
    }
    assert missing == set(LEFT_OUT)


def test_both_clients_have_the_same_methods() -> None:
    def arguments(of: Any) -> dict[str, str]:
        return {
            name: str(inspect.signature(method)).partition(" -> ")[0]
            for name, method in list_methods(of).items()
        }

    assert arguments(Client(URL, KEY)) == arguments(AsyncClient(URL, KEY))


@pytest.mark.parametrize("name", sorted(set(MODELS) - OURS))
def test_a_model_has_the_fields_of_the_document(name: str) -> None:
    told = DOCUMENT["components"]["schemas"][name]
    model = MODELS[name]
    assert set(model.model_fields) == set(told.get("properties", {}))
    needed = {field for field, about in model.model_fields.items() if about.is_required()}
    named_by_client = {"event_id"} if name == "ConsentClaim" else set()
    if issubclass(model, base.Input):
        assert needed == set(told.get("required", ())) - named_by_client
    else:
        assert needed <= set(told.get("required", ()))


@pytest.mark.parametrize("kind", [base.Kind, base.NumberType])
def test_what_may_be_chosen_is_what_the_document_has(kind: Any) -> None:
    assert [str(one) for one in kind] == DOCUMENT["components"]["schemas"][kind.__name__]["enum"]


def test_each_method_reads_what_the_server_answers(world: World) -> None:
    with Client(world.url, world.key) as client:
        found = {name: finish(call(client)) for name, call in CALLS.items()}
    assert found["message"].message_id == MESSAGE
    assert found["consents.state"].number == NUMBER
    assert [one.case_id for one in found["cases.list"]] == [CASE]
    assert all(one.accepted for one in found["send_batch"])
    assert len(found["threads.entries"]) > 1, "only one page was read"


async def test_each_method_does_the_same_without_waiting(house: House) -> None:
    key = house.harness.api.keys.add(
        TENANT, "test", house.harness.console.clock(), scopes=tuple(Scope), rate=HIGHEST_RATE
    )
    add_endpoint(house.harness.state)
    transport = httpx2.ASGITransport(house.harness.app)
    async with AsyncClient(URL, key.written, transport=transport) as client:
        found = {name: await finish_later(call(client)) for name, call in CALLS.items()}
    assert found["message"].message_id == MESSAGE
    assert [one.case_id for one in found["cases.list"]] == [CASE]
    assert (
        len(
            {
                message.message_id
                for topic, message in house.published
                if topic == "sms.send-requests"
            }
        )
        >= 3
    )


async def test_a_test_key_sends_what_never_leaves(house: House) -> None:
    """And what may be undone is held for as long as its caller says."""
    now = house.harness.console.clock()
    key = house.harness.api.keys.add(TENANT, "t", now, scopes=tuple(Scope), test=True)
    transport = httpx2.ASGITransport(house.harness.app)
    async with AsyncClient(URL, key.written, transport=transport) as client:
        await client.send(TEXT)
        await client.send_batch([TEXT, SendText(person_id="ana", body="Hi", undo_seconds=20)])
        with pytest.raises(ApiError) as refused:
            await CALLS["threads.reply"](client)
    assert refused.value.name == "test-key"
    told = [(message.test_mode, message.undo_seconds) for _, message in house.published]
    assert told == [(True, 10), (True, 10), (True, 20)]


def test_a_refusal_says_which_fields_are_wrong(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Client(world.url, world.key) as client, pytest.raises(ApiError) as refused:
        client.threads.get("555")
    error = refused.value
    assert (error.status, error.type, error.name) == (422, "/v1/problems/invalid", "invalid")
    assert [one.field for one in error.problems] == ["number"]
    assert "number" in str(error)
    assert world.url not in caplog.text, "an address may hold a number"


def test_a_large_batch_goes_in_parts_and_tells_what_was_not_taken(world: World) -> None:
    good = [SendText(to=NUMBER, body=f"Text {n}") for n in range(501)]
    bad = SendText(to="5" * 65, body="No number is so long")
    with Client(world.url, world.key) as client:
        assert len(client.send_batch(good)) == 501
        with pytest.raises(BatchStopped) as stopped:
            client.send_batch([*good, bad])
        error = stopped.value
        assert (len(error.results), len(error.rest)) == (500, 2)
        cause = error.__cause__
        assert isinstance(cause, ApiError)
        assert [one.field for one in cause.problems] == ["requests.501.to"]
        (result,) = client.send_batch(error.rest[:1])
        assert (result.message_id, result.accepted) == (error.rest[0].message_id, True)


def test_a_batch_of_long_texts_is_no_larger_than_the_server_takes(world: World) -> None:
    long = [SendText(to=NUMBER, body="\N{PILE OF POO}" * 4000) for _ in range(200)]
    with Client(world.url, world.key) as client:
        assert all(one.accepted for one in client.send_batch(long))


def test_it_imports_nothing_else_of_sayso() -> None:
    """Also not by way of others, so that its folder can be copied."""
    told = "import sys, services.client; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    ours = {name for name in done.stdout.split() if re.match(r"(schemas|streams|services)\b", name)}
    assert {name for name in ours if not name.startswith("services.client")} == {"services"}
