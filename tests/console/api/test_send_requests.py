"""Asking for texts: what is taken, once, and what is answered when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.person import PersonRequest
from schemas.send_request import SendRequest
from schemas.sender import Sender, SenderKind
from schemas.topics import SEND_REQUESTS, SENDERS
from services.console.api.scopes import Scope
from services.console.api.send_requests import MAX_BATCH
from services.operations.errors import OperationFailed
from tests.console.api.serving import House, house_on

PATH = "/v1/send-requests"
TEXT: dict[str, Any] = {"message_id": "crm-1", "to": "+1 (212) 555-0123", "body": "Tuesday at 9."}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_on(tmp_path) as found:
        yield found


async def test_a_text_is_asked_for_once(house: House) -> None:
    caller = house.caller()
    answers = [await caller.post(PATH, TEXT) for _ in range(3)]
    assert [(one.status_code, one.json()) for one in answers] == [
        (202, {"message_id": "crm-1"})
    ] * 3
    ((topic, request),) = house.published
    assert topic == "sms.send-requests"
    assert isinstance(request, SendRequest)
    assert (request.to, request.tenant, request.kind) == ("+12125550123", "acme", "transactional")
    assert request.requested_by is not None
    assert request.requested_by.startswith("key:")


async def test_the_same_in_another_writing_is_the_same(house: House) -> None:
    caller = house.caller()
    await caller.post(PATH, TEXT)
    other = b'{"body": "Tuesday at 9.", "kind": "transactional", "to": "+12125550123"}'
    answer = await caller.post(PATH, other, **{"Idempotency-Key": '"crm-1"'})
    assert answer.status_code == 202
    assert len(house.published) == 1


async def test_an_id_with_another_text_is_refused(house: House) -> None:
    caller = house.caller()
    await caller.post(PATH, TEXT)
    answer = await caller.post(PATH, TEXT | {"body": "Wednesday"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/v1/problems/identity-reused")
    assert (await house.caller("bolt").post(PATH, TEXT)).status_code == 202
    assert [request.tenant for _, request in house.published] == ["acme", "bolt"]


async def test_another_key_of_the_tenant_repeats_it(house: House) -> None:
    await house.caller().post(PATH, TEXT)
    assert (await house.caller().post(PATH, TEXT)).status_code == 202
    assert len(house.published) == 1


async def test_a_text_without_a_name_is_refused(house: House) -> None:
    told = {name: TEXT[name] for name in ("to", "body")}
    caller = house.caller()
    answer = await caller.post(PATH, told)
    assert (answer.status_code, answer.json()["type"]) == (400, "/v1/problems/idempotency-key")
    answer = await caller.post(PATH, TEXT, **{"Idempotency-Key": "crm-2"})
    assert answer.status_code == 400
    assert not house.published


async def test_a_text_for_a_person_goes_to_people(house: House) -> None:
    told = {"message_id": "p-1", "person_id": "ana", "number_type": "work", "body": "Hi"}
    assert (await house.caller().post(PATH, told)).status_code == 202
    ((topic, request),) = house.published
    assert topic == "sms.person-requests"
    assert isinstance(request, PersonRequest)
    assert (request.person_id, request.number_type) == ("ana", "work")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"to": None}, "body", id="nobody"),
        pytest.param({"body": ""}, "body", id="no words"),
        pytest.param({"body": 5}, "body", id="a number for words"),
        pytest.param({"kind": "spam"}, "kind", id="kind"),
        pytest.param({"bdoy": "x"}, "bdoy", id="misspelt"),
        pytest.param({"tenant": "bolt"}, "tenant", id="another tenant"),
        pytest.param({"valid_until": "tomorrow"}, "valid_until", id="time"),
        pytest.param({"valid_until": 1772375400}, "valid_until", id="time in digits"),
        pytest.param({"message_id": "a b"}, "message_id", id="id"),
        pytest.param({"number_type": "work"}, "body", id="number and type"),
    ],
)
async def test_each_wrong_field_is_named(house: House, changes: dict[str, Any], field: str) -> None:
    told = {name: value for name, value in (TEXT | changes).items() if value is not None}
    answer = await house.caller().post(PATH, told)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["problems"]] == [field]
    assert "5550123" not in answer.text
    batch = {"requests": [TEXT | {"message_id": "other"}, told]}
    answer = await house.caller().post(f"{PATH}/batch", batch)
    assert answer.status_code == 422
    assert not house.published, "all or none"


async def test_a_batch_has_one_result_for_each(house: House) -> None:
    caller = house.caller()
    await caller.post(PATH, TEXT)
    wanted = [
        TEXT,
        TEXT | {"message_id": "b-1"},
        TEXT | {"body": "other"},
        {"message_id": "b-2", "person_id": "ana", "body": "Hi"},
        TEXT | {"message_id": "b-1"},
        TEXT | {"message_id": "b-1", "body": "other"},
    ]
    answer = await caller.post(f"{PATH}/batch", {"requests": wanted})
    assert answer.status_code == 202
    found = [(one["message_id"], one["accepted"]) for one in answer.json()["results"]]
    assert found == [
        ("crm-1", True),
        ("b-1", True),
        ("crm-1", False),
        ("b-2", True),
        ("b-1", True),
        ("b-1", False),
    ]
    assert [request.message_id for _, request in house.published] == ["crm-1", "b-1", "b-2"]
    again = await caller.post(f"{PATH}/batch", {"requests": wanted})
    assert again.json() == answer.json()
    assert len(house.published) == 3


async def test_a_batch_has_an_end(house: House) -> None:
    texts = [TEXT | {"message_id": f"b-{n}"} for n in range(MAX_BATCH + 1)]
    caller = house.caller()
    assert (await caller.post(f"{PATH}/batch", {"requests": texts})).status_code == 422
    assert (await caller.post(f"{PATH}/batch", {"requests": []})).status_code == 422
    assert (await caller.post(f"{PATH}/batch", {"requests": texts[1:]})).status_code == 202
    assert len(house.published) == MAX_BATCH


async def test_without_kafka_the_same_may_come_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not confirmed may still arrive: it is published again, under the same id."""

    async def fail(*_given: Any) -> None:  # as the publisher does
        raise OperationFailed("Kafka did not confirm")

    caller = house.caller()
    with monkeypatch.context() as broken:
        broken.setattr(house.harness.kafka, "publish", fail)
        for path, told in ((PATH, TEXT), (f"{PATH}/batch", {"requests": [TEXT]})):
            answer = await caller.post(path, told)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert (await caller.post(PATH, TEXT | {"body": "other"})).status_code == 422
    assert (await caller.post(PATH, TEXT)).status_code == 202
    assert [request.message_id for _, request in house.published] == ["crm-1"]


async def test_the_same_call_while_it_is_under_way(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(*_given: Any) -> None:
        reached.set()
        await go_on.wait()

    monkeypatch.setattr(house.harness.kafka, "publish", wait)
    caller = house.caller()
    first = asyncio.create_task(caller.post(PATH, TEXT))
    await reached.wait()
    for path, told in ((PATH, TEXT), (f"{PATH}/batch", {"requests": [TEXT]})):
        answer = await caller.post(path, told)
        assert (answer.status_code, answer.json()["type"]) == (409, "/v1/problems/still-under-way")
    go_on.set()
    assert (await first).status_code == 202
    assert (await caller.post(PATH, TEXT)).status_code == 202


async def test_identities_outlive_the_process(tmp_path: Path) -> None:
    for publishes in (1, 0):
        async with house_on(tmp_path / "state") as house:
            assert (await house.caller().post(PATH, TEXT)).status_code == 202
            answer = await house.caller().post(PATH, TEXT | {"body": "other"})
            assert answer.status_code == 422
            assert len(house.published) == publishes


async def test_who_may_not_send(house: House) -> None:
    read = house.caller(scopes=[Scope.MESSAGES_READ])
    answer = await read.post(PATH, b"{")
    assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/insufficient-scope")
    answer = await house.caller("nobody").post(PATH, TEXT)
    assert (answer.status_code, answer.json()["type"]) == (404, "/v1/problems/unknown-tenant")
    assert not house.published


async def test_an_id_may_have_been_used_without_the_api(tmp_path: Path) -> None:
    """Programs write to Kafka as well: the ledger has what they asked for."""
    before = SendRequest(
        message_id="crm-1",
        tenant="acme",
        to="+12125550123",
        kind="transactional",
        body="Tuesday at 9.",
        requested_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    async with house_on(tmp_path, (SEND_REQUESTS, before)) as house:
        caller = house.caller()
        other = TEXT | {"body": "other"}
        for _ in range(2):
            answer = await caller.post(PATH, other)
            assert (answer.status_code, answer.json()["type"]) == (
                422,
                "/v1/problems/identity-reused",
            )
        answer = await caller.post(f"{PATH}/batch", {"requests": [other]})
        assert [one["accepted"] for one in answer.json()["results"]] == [False]
        assert (await caller.post(PATH, TEXT)).status_code == 202
        assert not house.published, "it is on Kafka already"


async def test_a_crash_between_publishing_and_noting_it_repeats_the_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate recognises the second record by its message id."""
    batch = {"requests": [TEXT | {"message_id": f"b-{n}"} for n in range(3)]}
    for run in range(2):
        async with house_on(tmp_path / "state") as house:
            if run == 0:  # it dies before it has noted anything
                monkeypatch.setattr(house.harness.api.idempotency, "finish", lambda _claims: None)
            caller = house.caller()
            assert (await caller.post(PATH, TEXT)).status_code == 202
            assert (await caller.post(f"{PATH}/batch", batch)).status_code == 202
            ids = [request.message_id for _, request in house.published]
            assert ids == ["crm-1", "b-0", "b-1", "b-2"]


async def test_a_text_of_a_test_key_is_another_one(house: House) -> None:
    assert (await house.caller(test=True).post(PATH, TEXT)).status_code == 202
    assert (await house.caller().post(PATH, TEXT)).status_code == 422
    ((_, request),) = house.published
    assert request.test_mode is True


async def test_a_preview_sends_nothing(tmp_path: Path) -> None:
    told = {name: TEXT[name] for name in ("to", "body")}
    sender = Sender(sender="24273", kind=SenderKind.SHORT_CODE, owner="acme")
    async with house_on(tmp_path, (SENDERS, sender)) as house:
        answer = await house.caller().post(f"{PATH}/preview", told | {"kind": "reminder"})
        assert answer.status_code == 200
        found = answer.json()
        assert (found["verdict"], found["to"], found["segments"]) == ("hold", "+12125550123", 1)
        assert "not_opted_in" in [one["rule"] for one in found["reasons"]]
        assert not house.published
