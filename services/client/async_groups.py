"""What `AsyncClient` does with consents, people, cases and conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, Unpack

from services.client.calls import cases, event_webhooks, people, threads
from services.client.calls.cases import CaseFilter
from services.client.calls.event_webhooks import State
from services.client.calls.people import PersonFilter
from services.client.calls.threads import ThreadFilter
from services.client.models.cases import (
    Case,
    CaseItem,
    Changed,
    EventInput,
    OpenCase,
    PartyInput,
    TaskInput,
)
from services.client.models.consents import (
    ConsentChange,
    ConsentClaim,
    ConsentStatus,
    ConsentTaken,
)
from services.client.models.event_webhooks import (
    Deleted,
    DeliveryItem,
    EndpointInput,
    EndpointItem,
    NewSecret,
    Replayed,
    ReplayPeriod,
)
from services.client.models.people import PersonAccepted, PersonInput, PersonItem
from services.client.models.texts import Accepted
from services.client.models.threads import (
    EntryItem,
    Noted,
    NoteInput,
    ReplyInput,
    Thread,
    ThreadItem,
)
from services.client.operation import Operation, P, T


class AsyncRun(Protocol):
    def __call__(self, operation: Operation[T], /) -> Awaitable[T]: ...


class AsyncListPages(Protocol):
    def __call__(self, operation: Operation[P], /) -> AsyncIterator[P]: ...


class AsyncConsents:
    def __init__(self, run: AsyncRun) -> None:
        self._run = run

    async def record(self, tenant: str, claim: ConsentClaim) -> ConsentTaken:
        """Report that somebody opted in or out. `tenant`: that of the key."""
        return await self._run(people.record_consent(tenant, claim))

    async def state(self, number: str) -> ConsentStatus:
        """Where a number's consent stands."""
        return await self._run(people.get_consent(number))

    async def history(self, number: str) -> tuple[ConsentChange, ...]:
        """What changed a number's consent, each time with its evidence; the oldest first."""
        return (await self._run(people.get_consent_history(number))).entries


class AsyncPeople:
    def __init__(self, run: AsyncRun, pages: AsyncListPages) -> None:
        self._run = run
        self._pages = pages

    async def get(self, person_id: str) -> PersonItem:
        return await self._run(people.get_person(person_id))

    async def put(
        self, person_id: str, person: PersonInput, *, idempotency_key: str | None = None
    ) -> PersonAccepted:
        """Say all that is known of a person: what is left out is removed."""
        return await self._run(people.put_person(person_id, person, idempotency_key))

    async def list(self, **given: Unpack[PersonFilter]) -> AsyncIterator[PersonItem]:
        """List people by name."""
        async for page in self._pages(people.list_people(given)):
            for item in page.items:
                yield item


class AsyncCases:
    def __init__(self, run: AsyncRun, pages: AsyncListPages) -> None:
        self._run = run
        self._pages = pages

    async def get(self, case_id: str) -> Case:
        return await self._run(cases.get(case_id))

    async def list(self, **given: Unpack[CaseFilter]) -> AsyncIterator[CaseItem]:
        """List open cases, or those that `closed=True` finds; the one that changed last first."""
        async for page in self._pages(cases.list_all(given)):
            for item in page.items:
                yield item

    async def open(self, case: OpenCase, *, idempotency_key: str | None = None) -> Changed:
        """Open a case, or correct what was said of it."""
        return await self._run(cases.open_case(case, idempotency_key))

    async def launch(self, case_id: str, *, idempotency_key: str | None = None) -> Changed:
        """Let its tasks go from now on."""
        return await self._run(cases.say(case_id, "launch", idempotency_key))

    async def close(self, case_id: str, *, idempotency_key: str | None = None) -> Changed:
        """Nothing goes from it any more."""
        return await self._run(cases.say(case_id, "close", idempotency_key))

    async def reopen(self, case_id: str, *, idempotency_key: str | None = None) -> Changed:
        """What is still ahead goes again."""
        return await self._run(cases.say(case_id, "reopen", idempotency_key))

    async def put_party(
        self, case_id: str, person_id: str, party: PartyInput, *, idempotency_key: str | None = None
    ) -> Changed:
        """Add a person, or change their role or number."""
        return await self._run(
            cases.put_part(case_id, "parties", person_id, party, idempotency_key)
        )

    async def remove_party(
        self, case_id: str, person_id: str, *, idempotency_key: str | None = None
    ) -> Changed:
        return await self._run(cases.remove_part(case_id, "parties", person_id, idempotency_key))

    async def put_task(
        self, case_id: str, task_id: str, task: TaskInput, *, idempotency_key: str | None = None
    ) -> Changed:
        """Schedule a text, or replace one that has not left."""
        return await self._run(cases.put_part(case_id, "tasks", task_id, task, idempotency_key))

    async def cancel_task(
        self, case_id: str, task_id: str, *, idempotency_key: str | None = None
    ) -> Changed:
        """Its texts that have not left never go."""
        return await self._run(cases.remove_part(case_id, "tasks", task_id, idempotency_key))

    async def put_event(
        self, case_id: str, event_id: str, event: EventInput, *, idempotency_key: str | None = None
    ) -> Changed:
        """Save an event; its reminders follow it."""
        return await self._run(cases.put_part(case_id, "events", event_id, event, idempotency_key))

    async def cancel_event(
        self, case_id: str, event_id: str, *, idempotency_key: str | None = None
    ) -> Changed:
        """Its reminders that have not left never go."""
        return await self._run(cases.remove_part(case_id, "events", event_id, idempotency_key))


class AsyncThreads:
    """Conversations, each with one number."""

    def __init__(self, run: AsyncRun, pages: AsyncListPages) -> None:
        self._run = run
        self._pages = pages

    async def list(self, **given: Unpack[ThreadFilter]) -> AsyncIterator[ThreadItem]:
        """List conversations: who waits longest first, then the last active."""
        async for page in self._pages(threads.list_all(given)):
            for item in page.items:
                yield item

    async def get(self, number: str) -> Thread:
        return await self._run(threads.get(number))

    async def entries(self, number: str, *, limit: int | None = None) -> AsyncIterator[EntryItem]:
        """List what passed, the newest first. `limit`: of a page."""
        async for page in self._pages(threads.entries(number, limit)):
            for item in page.items:
                yield item

    async def reply(
        self, number: str, reply: ReplyInput, *, idempotency_key: str | None = None
    ) -> Accepted:
        """Answer by text."""
        return await self._run(threads.reply(number, reply, idempotency_key))

    async def note(
        self, number: str, note: NoteInput, *, idempotency_key: str | None = None
    ) -> Noted:
        """Leave words for colleagues; nobody is texted."""
        return await self._run(threads.note(number, note, idempotency_key))

    async def need_no_answer(
        self, number: str, *, written_by: str | None = None, idempotency_key: str | None = None
    ) -> Noted:
        """Say that somebody has read it, and that no answer is due."""
        return await self._run(threads.need_no_answer(number, written_by, idempotency_key))


class AsyncEventWebhooks:
    """Endpoints that are told of events."""

    def __init__(self, run: AsyncRun, pages: AsyncListPages) -> None:
        self._run = run
        self._pages = pages

    async def list(self) -> tuple[EndpointItem, ...]:
        """List endpoints, the oldest first."""
        return (await self._run(event_webhooks.list_all())).items

    async def get(self, endpoint_id: str) -> EndpointItem:
        return await self._run(event_webhooks.get(endpoint_id))

    async def create(
        self, endpoint: EndpointInput, *, idempotency_key: str | None = None
    ) -> NewSecret:
        """Add an endpoint. The answer has its secret."""
        return await self._run(event_webhooks.create(endpoint, idempotency_key))

    async def put(
        self, endpoint_id: str, endpoint: EndpointInput, *, idempotency_key: str | None = None
    ) -> EndpointItem:
        """Say all of an endpoint. Events that wait already keep what they hold."""
        return await self._run(event_webhooks.put(endpoint_id, endpoint, idempotency_key))

    async def delete(self, endpoint_id: str, *, idempotency_key: str | None = None) -> Deleted:
        """With all its deliveries."""
        return await self._run(event_webhooks.delete(endpoint_id, idempotency_key))

    async def pause(self, endpoint_id: str, *, idempotency_key: str | None = None) -> EndpointItem:
        """What happens from now on waits."""
        return await self._run(event_webhooks.say(endpoint_id, "pause", idempotency_key))

    async def resume(self, endpoint_id: str, *, idempotency_key: str | None = None) -> EndpointItem:
        """What waits is due at once."""
        return await self._run(event_webhooks.say(endpoint_id, "resume", idempotency_key))

    async def rotate_secret(
        self, endpoint_id: str, *, keep_hours: int = 24, idempotency_key: str | None = None
    ) -> NewSecret:
        """Make a new secret. For `keep_hours` events are signed with both."""
        return await self._run(
            event_webhooks.rotate_secret(endpoint_id, keep_hours, idempotency_key)
        )

    async def send_test(
        self, endpoint_id: str, *, idempotency_key: str | None = None
    ) -> DeliveryItem:
        """Send an event `endpoint.test` there."""
        return await self._run(event_webhooks.send_test(endpoint_id, idempotency_key))

    async def deliveries(
        self, endpoint_id: str, *, state: State | None = None, limit: int | None = None
    ) -> AsyncIterator[DeliveryItem]:
        """List what was or is to be delivered, the newest first. `limit`: of a page."""
        async for page in self._pages(event_webhooks.deliveries(endpoint_id, state, limit)):
            for item in page.items:
                yield item

    async def replay(
        self, endpoint_id: str, delivery_id: int, *, idempotency_key: str | None = None
    ) -> DeliveryItem:
        """Deliver it once more, with the same id."""
        return await self._run(event_webhooks.replay(endpoint_id, delivery_id, idempotency_key))

    async def replay_period(
        self, endpoint_id: str, period: ReplayPeriod, *, idempotency_key: str | None = None
    ) -> Replayed:
        """Deliver the events of a period once more: those that were given up, or every one."""
        return await self._run(event_webhooks.replay_period(endpoint_id, period, idempotency_key))
