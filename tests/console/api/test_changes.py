"""What programs change: people, cases, conversations. Each under the identity of its call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.case_event import EventSaved, PartyAdded, TaskScheduled
from schemas.person import PersonAction, PersonEvent
from schemas.send_request import SendRequest
from schemas.thread import NoAnswerNeeded, NoteAdded
from tests.adapters.test_mailbox import OTHER, MailboxFiller
from tests.console.api.serving import House, house_on
from tests.console.api.world import TENANT, list_records


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_on(tmp_path, *list_records()) as found:
        yield found


async def test_the_same_call_has_the_same_answer_and_one_record(house: House) -> None:
    caller = house.caller()
    told = {"case_id": "c-9", "title": "In re Rivera"}
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = await caller.post("/v1/cases", told, **key)
    again = await caller.post("/v1/cases", told, **key)
    assert (first.status_code, first.json()) == (202, again.json())
    other = await caller.post("/v1/cases", told | {"title": "In re Riviera"}, **key)
    assert (other.status_code, other.json()["type"]) == (422, "/v1/problems/identity-reused")
    ((topic, event),) = house.published
    assert (topic, event.title) == ("sms.case-events", "In re Rivera")
    assert event.change_id == first.json()["change_id"]
    assert event.by.startswith("key:")
    quoted = await caller.post("/v1/cases", told, **{"Idempotency-Key": '"other"'})
    assert quoted.json()["change_id"] != first.json()["change_id"]


async def test_a_person_is_said_as_a_whole(house: House) -> None:
    caller = house.caller()
    told = {
        "name": "Ana Rivera",
        "time_zone": "America/New_York",
        "numbers": [{"number": "+1 212 555 0123", "type": "mobile", "primary": True}],
    }
    answer = await caller.put("/v1/people/ana", told)
    assert (answer.status_code, answer.json()) == (202, {"person_id": "ana"})
    ((_, event),) = house.published
    assert isinstance(event, PersonEvent)
    assert (event.action, event.numbers[0].number) == (PersonAction.UPSERT, "+12125550123")
    for changes, field in (
        ({"time_zone": "Springfield"}, "time_zone"),
        ({"numbers": [{"number": "555"}]}, "numbers.0.number"),
        ({"numbers": [{"number": "+12125550123", "sms_enabled": "yes"}]}, "numbers.0.sms_enabled"),
    ):
        answer = await caller.put("/v1/people/ana", told | changes)
        assert [one["field"] for one in answer.json()["problems"]] == [field]
    assert len(house.published) == 1


async def test_parts_of_a_case(house: House) -> None:
    caller = house.caller(TENANT)
    (case, *_) = (await caller.get("/v1/cases?closed=false")).json()["items"]
    (person, *_) = (await caller.get("/v1/people")).json()["items"]
    path = f"/v1/cases/{case['case_id']}"
    party = await caller.put(f"{path}/parties/{person['person_id']}", {"role": "client"})
    assert party.status_code == 202
    event = {"title": "Hearing", "starts_at": "2027-03-02T09:00", "reminders": ["3 days before"]}
    assert (await caller.put(f"{path}/events/h-1", event)).status_code == 202
    task: dict[str, Any] = {"body": "Bring your papers.", "roles": ["client"], "undo_seconds": 30}
    task["when"] = {"at": "2027-03-01T09:00"}
    assert (await caller.put(f"{path}/tasks/t-1", task)).status_code == 202
    assert house.published[-1][1].undo_seconds == 30
    kinds = [type(one) for _, one in house.published]
    assert kinds[1:] == [EventSaved, TaskScheduled]
    assert kinds[0] is PartyAdded or person["person_id"] in str(house.published[0])
    for told in (task | {"when": {"at": "some day"}}, task | {"roles": []}, {}):
        answer = await caller.put(f"{path}/tasks/t-1", told)
        assert (answer.status_code, "--" in answer.text) == (422, False)
    assert (await caller.delete(f"{path}/events/nothing")).status_code == 422
    assert (await caller.post("/v1/cases/nothing/close")).status_code == 404


async def test_an_answer_a_note_and_no_answer_needed(house: House) -> None:
    caller = house.caller(TENANT)
    (thread, *_) = (await caller.get("/v1/threads")).json()["items"]
    path = f"/v1/threads/{thread['number'].replace('+', '%2B')}"
    told = {"body": "We will call you at five.", "written_by": "dana", "undo_seconds": 10}
    key = {"Idempotency-Key": "reply-1"}
    first = await caller.post(f"{path}/replies", told, **key)
    assert first.json() == (await caller.post(f"{path}/replies", told, **key)).json()
    assert (await caller.post(f"{path}/notes", {"text": "Prefers calls."})).status_code == 202
    assert (await caller.post(f"{path}/no-answer-needed", {})).status_code == 202
    text, note, done = [message for _, message in house.published]
    assert isinstance(text, SendRequest)
    assert text.undo_seconds == 10
    assert (text.message_id, text.written_by) == (first.json()["message_id"], "dana")
    assert isinstance(note, NoteAdded)
    assert isinstance(done, NoAnswerNeeded)
    assert (await caller.post("/v1/threads/%2B12125559999/notes", {"text": "x"})).status_code == 404


def add_failed(house: House) -> None:
    books = MailboxFiller(house.harness.state)
    books.begin_at(10_000)
    books.text("lost", "undelivered", error_code="30005")
    books.text("fine", "delivered")
    books.store.close()


async def test_a_text_is_sent_again_to_a_corrected_number(house: House) -> None:
    """Once: the same call has the same answer."""
    add_failed(house)
    caller = house.caller()
    path = "/v1/messages/lost/resend"
    wrong = await caller.post(path, {"to": "12"})
    assert [one["field"] for one in wrong.json()["problems"]] == ["to"]
    key = {"Idempotency-Key": "again-1"}
    answer = await caller.post(path, {"to": "+1 415 555 0101"}, **key)
    told = answer.json()
    assert (answer.status_code, told["done"], told["result"]) == (202, True, "resent")
    ((_, request),) = house.published
    assert (request.message_id, request.to) == (told["resent_as"], OTHER)
    assert (request.resend_of, request.requested_by[:4]) == ("lost", "key:")
    again = await caller.post(path, {"to": "+1 415 555 0101"}, **key)
    assert (again.json(), len(house.published)) == (told, 1)
    assert (await caller.post("/v1/messages/unheard-of/resend", {})).status_code == 404
    assert (await house.caller("bolt").post(path, {})).status_code == 404


async def test_failed_texts_are_dismissed_each_with_its_result(house: House) -> None:
    add_failed(house)
    caller = house.caller()
    told = {"message_ids": ["lost", "fine", "unheard-of"]}
    results = (await caller.post("/v1/dismissals", told)).json()["results"]
    assert {one["message_id"]: one["result"] for one in results} == {
        "lost": "dismissed",
        "fine": "not_failed",
        "unheard-of": "unknown",
    }
    ((_, dismissal),) = house.published
    assert (dismissal.message_id, dismissal.by[:4]) == ("lost", "key:")
    assert (await caller.post("/v1/dismissals", {"message_ids": []})).status_code == 422
