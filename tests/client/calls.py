"""Every method of the client, called once with what the examples of the topics know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

from services.client import (
    ConsentClaim,
    EndpointInput,
    EventInput,
    NoteInput,
    NumberInput,
    OpenCase,
    PartyInput,
    PersonInput,
    ReplayPeriod,
    ReplyInput,
    SendText,
    ShownText,
    TaskInput,
    TaskWhen,
)
from tests.console.api.world import ENDPOINT, TENANT

NUMBER: Final = "+14155550142"
CASE: Final = "8841"
MESSAGE: Final = "case-8841:closing-day-before"
PERSON: Final = "crm-20417"
TEXT: Final = SendText(to=NUMBER, body="See you on Tuesday at 9.", undo_seconds=10)
SHOWN: Final = [ShownText(message_id=MESSAGE, body_sha256="0" * 64)]
CLAIM: Final = ConsentClaim(action="opt_out", number=NUMBER, at=datetime(2026, 3, 1, tzinfo=UTC))
HOOK: Final = EndpointInput(
    url="https://8.8.8.8/sayso", owner="it@harbor.example", events=("message.*",)
)
PERIOD: Final = ReplayPeriod(
    since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2099, 1, 1, tzinfo=UTC)
)
HEARING: Final = EventInput(
    title="Hearing", starts_at="2027-03-02T09:00", reminders=("1 day before",)
)

CALLS: Final[dict[str, Callable[[Any], Any]]] = {
    "send": lambda client: client.send(TEXT),
    "send_batch": lambda client: client.send_batch([TEXT, TEXT]),
    "preview": lambda client: client.preview(TEXT),
    "message": lambda client: client.message(MESSAGE),
    "messages": lambda client: client.messages(
        since=date(2020, 1, 1), state=["undelivered", "failed"], needs_attention=True, limit=1
    ),
    "cancel": lambda client: client.cancel(MESSAGE, "not needed any more"),
    "resend": lambda client: client.resend(MESSAGE, to="+14155550143"),
    "dismiss": lambda client: client.dismiss([MESSAGE, "unheard-of"]),
    "approve": lambda client: client.approve(SHOWN),
    "reject": lambda client: client.reject(SHOWN),
    "usage": lambda client: client.usage(since=date(2026, 3, 1), until=date(2026, 3, 31)),
    "senders": lambda client: client.senders(),
    "consents.record": lambda client: client.consents.record(TENANT, CLAIM),
    "consents.state": lambda client: client.consents.state(NUMBER),
    "consents.history": lambda client: client.consents.history(NUMBER),
    "people.get": lambda client: client.people.get(PERSON),
    "people.put": lambda client: client.people.put(
        "ana", PersonInput(name="Ana Rivera", numbers=(NumberInput(number="+12125550123"),))
    ),
    "people.list": lambda client: client.people.list(reach=["not_asked"], search="a"),
    "cases.get": lambda client: client.cases.get(CASE),
    "cases.list": lambda client: client.cases.list(closed=False, limit=10),
    "cases.open": lambda client: client.cases.open(OpenCase(case_id="c-9", title="In re Doe")),
    "cases.put_party": lambda client: client.cases.put_party(
        CASE, PERSON, PartyInput(role="client")
    ),
    "cases.put_event": lambda client: client.cases.put_event(CASE, "hearing-1", HEARING),
    "cases.put_task": lambda client: client.cases.put_task(
        CASE, "t-1", TaskInput(body="Bring your ID.", roles=("client",), when=TaskWhen(at="now"))
    ),
    "cases.cancel_task": lambda client: client.cases.cancel_task(CASE, "docs"),
    "cases.cancel_event": lambda client: client.cases.cancel_event(CASE, "hearing-1"),
    "cases.remove_party": lambda client: client.cases.remove_party(CASE, PERSON),
    "cases.launch": lambda client: client.cases.launch(CASE),
    "cases.close": lambda client: client.cases.close(CASE),
    "cases.reopen": lambda client: client.cases.reopen(CASE),
    "threads.list": lambda client: client.threads.list(waiting=True),
    "threads.get": lambda client: client.threads.get(NUMBER),
    "threads.entries": lambda client: client.threads.entries(NUMBER, limit=1),
    "threads.reply": lambda client: client.threads.reply(NUMBER, ReplyInput(body="Yes, at 9.")),
    "threads.note": lambda client: client.threads.note(NUMBER, NoteInput(text="Called them.")),
    "threads.need_no_answer": lambda client: client.threads.need_no_answer(NUMBER),
    "event_webhooks.list": lambda client: client.event_webhooks.list(),
    "event_webhooks.get": lambda client: client.event_webhooks.get(ENDPOINT),
    "event_webhooks.deliveries": lambda client: client.event_webhooks.deliveries(
        ENDPOINT, state="failed", limit=1
    ),
    "event_webhooks.replay": lambda client: client.event_webhooks.replay(ENDPOINT, 1),
    "event_webhooks.replay_period": lambda client: client.event_webhooks.replay_period(
        ENDPOINT, PERIOD
    ),
    "event_webhooks.send_test": lambda client: client.event_webhooks.send_test(ENDPOINT),
    "event_webhooks.pause": lambda client: client.event_webhooks.pause(ENDPOINT),
    "event_webhooks.resume": lambda client: client.event_webhooks.resume(ENDPOINT),
    "event_webhooks.rotate_secret": lambda client: client.event_webhooks.rotate_secret(ENDPOINT),
    "event_webhooks.put": lambda client: client.event_webhooks.put(ENDPOINT, HOOK),
    "event_webhooks.create": lambda client: client.event_webhooks.create(HOOK),
    "event_webhooks.delete": lambda client: client.event_webhooks.delete(ENDPOINT),
}


def finish(found: Any) -> Any:
    """What a method of `Client` finds, with all items of a list."""
    return list(found) if isinstance(found, Iterator) else found


async def finish_later(found: Any) -> Any:
    """The same of `AsyncClient`."""
    if isinstance(found, AsyncIterator):
        return [item async for item in found]
    assert isinstance(found, Awaitable)
    return await found
