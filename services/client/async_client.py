"""The client for asyncio programs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, Self, Unpack

import httpx2

from services.client.async_groups import (
    AsyncCases,
    AsyncConsents,
    AsyncEventWebhooks,
    AsyncPeople,
    AsyncThreads,
)
from services.client.calls import people, texts
from services.client.calls.people import UsageFilter
from services.client.calls.texts import BatchStopped, MessageFilter
from services.client.connection import TIMEOUT, Connection, read_answer, read_loss
from services.client.errors import SaysoError
from services.client.exchange import Answer, Exchange, Lost, Retries, Wait
from services.client.models.reports import SenderItem, Usage
from services.client.models.texts import (
    Accepted,
    ApprovalResult,
    BatchResult,
    CancelAnswer,
    DismissalResult,
    MessageDetail,
    MessageItem,
    PreviewAnswer,
    ResendAnswer,
    SendText,
    ShownText,
)
from services.client.operation import Operation, P, T, following


class AsyncClient:
    """As `Client`, on one event loop."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retries: Retries | None = None,
        timeout: float = TIMEOUT,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """`url`: of the console. `key`: from `sayso keys add`. `timeout`: seconds that the server
        may be silent. `transport`: for a proxy, or certificates of one's own.

        Raises ValueError for an address or a key that cannot be one."""
        self._connection = Connection(url, key, timeout)
        self._retries = retries or Retries()
        self._transport = transport or httpx2.AsyncHTTPTransport()
        self.consents = AsyncConsents(self._run)
        self.people = AsyncPeople(self._run, self._list)
        self.cases = AsyncCases(self._run, self._list)
        self.threads = AsyncThreads(self._run, self._list)
        self.event_webhooks = AsyncEventWebhooks(self._run, self._list)

    def __repr__(self) -> str:
        return f"AsyncClient({self._connection.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def send(self, text: SendText, *, idempotency_key: str | None = None) -> Accepted:
        """Ask for a text. Returns once Sayso has it for good."""
        return await self._run(texts.send(text, idempotency_key))

    async def send_batch(self, given: Iterable[SendText]) -> list[BatchResult]:
        """Ask for any number of texts, 500 a call. Returns one result for each, in their order.

        If a text cannot be read, none of its 500 is taken. Raises BatchStopped."""
        named = texts.name_texts(given)
        results: list[BatchResult] = []
        for chunk in texts.send_batch(named):
            try:
                results += (await self._run(chunk.operation)).results
            except SaysoError as error:
                done = len(results)
                cause = texts.count_from_start(error, done)
                raise BatchStopped(tuple(results), tuple(named[done:])) from cause
        return results

    async def preview(self, text: SendText) -> PreviewAnswer:
        """Ask whether a text would go, when, and at what price. Nothing is sent."""
        return await self._run(texts.preview(text))

    async def message(self, message_id: str) -> MessageDetail:
        """Look at one text. What was sent a moment ago may not be on record yet: 404."""
        return await self._run(texts.message(message_id))

    async def messages(self, **given: Unpack[MessageFilter]) -> AsyncIterator[MessageItem]:
        """List texts, the newest first."""
        async for page in self._list(texts.messages(given)):
            for item in page.items:
                yield item

    async def cancel(
        self, message_id: str, reason: str = "", *, idempotency_key: str | None = None
    ) -> CancelAnswer:
        """Take a text back, if it has not left."""
        return await self._run(texts.cancel(message_id, reason, idempotency_key))

    async def approve(
        self, shown: Iterable[ShownText], *, idempotency_key: str | None = None
    ) -> tuple[ApprovalResult, ...]:
        """Approve up to 100 texts in the words that were seen (`MessageDetail.shown`)."""
        return (await self._run(texts.decide("approve", shown, idempotency_key))).results

    async def reject(
        self, shown: Iterable[ShownText], *, idempotency_key: str | None = None
    ) -> tuple[ApprovalResult, ...]:
        """Reject up to 100 texts."""
        return (await self._run(texts.decide("reject", shown, idempotency_key))).results

    async def resend(
        self, message_id: str, *, to: str | None = None, idempotency_key: str | None = None
    ) -> ResendAnswer:
        """Send a text once more that was sent or failed. `to`: another number, which replaces the
        old one also on the person's record."""
        return await self._run(texts.resend(message_id, to, idempotency_key))

    async def dismiss(
        self, message_ids: Iterable[str], *, idempotency_key: str | None = None
    ) -> tuple[DismissalResult, ...]:
        """Take up to 100 failed texts off the lists. They stay on record."""
        return (await self._run(texts.dismiss(message_ids, idempotency_key))).results

    async def usage(self, **given: Unpack[UsageFilter]) -> Usage:
        """Count texts, segments and costs, by day, branch, sender, kind, state and code."""
        return await self._run(people.usage(given))

    async def senders(self) -> tuple[SenderItem, ...]:
        """List what the tenant texts from, with queue and pace."""
        return (await self._run(people.senders())).items

    async def _run(self, operation: Operation[T]) -> T:
        exchange = Exchange(operation, self._retries, time.monotonic())
        step = exchange.judge(await self._try(operation), time.monotonic())
        while isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            step = exchange.judge(await self._try(operation), time.monotonic())
        return step.value

    async def _list(self, operation: Operation[P]) -> AsyncIterator[P]:
        here: Operation[P] | None = operation
        while here is not None:
            page = await self._run(here)
            yield page
            here = following(here, page)

    async def _try(self, operation: Operation[Any]) -> Answer | Lost:
        request = self._connection.build(operation)
        try:
            response = await self._transport.handle_async_request(request)
            response.request = request
            try:
                return read_answer(response.status_code, response.headers, await response.aread())
            finally:
                await response.aclose()
        except httpx2.RequestError as error:
            # Raised elsewhere: an error that carried this one would carry the key.
            return read_loss(error)
