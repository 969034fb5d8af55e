"""The Kafka that operations publish to, and the one way to wait for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from schemas.base import Message
from schemas.topics import Topic
from services.kafka.publisher import NotPublished, Publisher
from services.ledger import Ledger, LedgerError
from services.operations.errors import OperationFailed
from services.operations.tenant_check import KnownTenants, read_tenants

T = TypeVar("T")
M = TypeVar("M", bound=Message)

PATIENCE: Final = 15.0
"""Seconds to wait for an answer.  A processor answers within one; a worker that has just started
takes ten."""


class Session:
    """A publisher with checks, for one Kafka.  Use it with `async with`.

    `source` names the program in the CloudEvents source of every record."""

    def __init__(self, bootstrap: str, source: str = "cli") -> None:
        self.bootstrap = bootstrap
        self._publisher = Publisher(bootstrap, source=source)
        self._topics: Collection[str] | None = None
        """Kafka is asked for its topics once, and for the tenants once."""
        self._settings: KnownTenants | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._publisher.stop()

    async def is_ready(self) -> bool:
        """Whether a broker answers now."""
        return await self._publisher.is_reachable()

    async def publish(self, topic: Topic[M], messages: Sequence[M]) -> None:
        """Return once Kafka has confirmed them all.  Raises OperationFailed."""
        await self.require_topic(topic)
        try:
            await self._publisher.publish_all(topic, messages)
        except NotPublished as error:
            raise OperationFailed(str(error)) from None

    async def require_topic(self, topic: Topic[Any]) -> None:
        """Raises OperationFailed at once, where a producer would wait until it times out."""
        if self._topics is None:
            try:
                self._topics = await self._publisher.list_topics()
            except NotPublished as error:
                raise OperationFailed(str(error)) from None
        if topic.name not in self._topics:
            raise OperationFailed(
                f"Kafka at {self.bootstrap} does not have {topic.name}",
                "run `sayso topics apply` first",
            )

    async def require_tenants(self, *tenants: str) -> None:
        """Raises InvalidRequest for a tenant without settings."""
        if self._settings is None:
            self._settings = await read_tenants(self.bootstrap)
            self._topics = self._topics or self._settings.topics
        self._settings.require(*tenants)

    async def refresh(self, ledger: Ledger) -> None:
        """Bring the ledger up to what Kafka has now.  Raises OperationFailed."""
        try:
            await ledger.catch_up(self.bootstrap)
        except LedgerError as error:
            raise OperationFailed(str(error)) from None

    async def wait_for(
        self, ledger: Ledger, find: Callable[[], T | None], patience: float = PATIENCE
    ) -> T | None:
        """Follow the topics until `find` finds something in the ledger; None after `patience` s.

        Raises OperationFailed."""
        stop = asyncio.Event()
        following = asyncio.create_task(ledger.follow(self.bootstrap, stop, gather=0.1))
        found: T | None = None
        try:
            async with asyncio.timeout(patience):
                # SQLite has no event
                while (found := find()) is None and not following.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            found = find()
        finally:
            stop.set()
            try:
                await following
            except LedgerError as error:
                raise OperationFailed(str(error)) from None
        return found
