"""Read outcomes, the consent log and replies, and write what endpoints are to hear of.

Deliveries and positions are one transaction.  Records of open and aborted transactions are not
read."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from aiokafka.errors import OffsetOutOfRangeError
from pydantic import ValidationError

from services.event_webhooks.deliveries import Deliveries
from services.event_webhooks.endpoints import Endpoint, Endpoints, EndpointState
from services.event_webhooks.event_types import is_wanted
from services.event_webhooks.payload import TOPICS, Event, build_body, read_event
from services.event_webhooks.positions import Positions, find_lost
from services.event_webhooks.store import Store, to_ms
from services.ledger.projection import Partition, Record
from services.ledger.topic_reader import LONG_POLL, MAX_BATCH, TopicReader, open_reader
from services.observability.registry import MetricRegistry

GATHER: Final = 0.2
"""Seconds between two batches, while records come one by one."""
IDS_EVERY: Final = 30.0
"""Seconds after which the topics' ids are compared again."""
CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""A record may be dated by another machine's clock than an endpoint."""

log = structlog.get_logger("sayso.event_webhooks")


class RecordsLost(Exception):
    """One sentence: what is gone that was never read, and how to go on without it."""


class TopicFollower:
    def __init__(
        self,
        store: Store,
        bootstrap: str,
        metrics: MetricRegistry,
        on_deliveries: Callable[[set[str]], object],
        accepted_loss: frozenset[str] = frozenset(),
    ) -> None:
        """`on_deliveries` is called with the endpoints that have new ones."""
        self._store = store
        self._endpoints = Endpoints(store)
        self._deliveries = Deliveries(store)
        self._positions = Positions(store)
        self._bootstrap = bootstrap
        self._metrics = metrics
        self._on_deliveries = on_deliveries
        self._accepted_loss = accepted_loss
        self.is_following = False

    async def run(self, stop: asyncio.Event, announce: Callable[[], object]) -> None:
        """Until told to stop.  `announce` is called once, when it has found its place.

        Raises RecordsLost, TopicReaderError, KafkaError, StoreError."""
        names = {topic.name for topic in TOPICS}
        async with open_reader(self._bootstrap, names, long_poll=LONG_POLL) as reader:
            await self._begin(reader)
            checked_at = time.monotonic()
            self.is_following = True
            announce()
            stopping = asyncio.create_task(stop.wait())
            try:
                while not stop.is_set():
                    if time.monotonic() - checked_at > IDS_EVERY:
                        checked_at = time.monotonic()
                        if self._positions.find_recreated(await reader.topic_ids()):
                            await self._begin(reader)
                    await self._step(reader, stopping)
            finally:
                self.is_following = False
                stopping.cancel()

    async def _step(self, reader: TopicReader, stopping: asyncio.Task[object]) -> None:
        fetching = asyncio.create_task(reader.batch(LONG_POLL, pause=True))
        await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not fetching.done():
            fetching.cancel()
            await asyncio.wait({fetching})
            return
        try:
            records, reached = fetching.result()
        except OffsetOutOfRangeError:
            await self._begin(reader)
            return
        self._apply(records, reached)
        if 0 < len(records) < MAX_BATCH:
            await asyncio.wait({stopping}, timeout=GATHER)

    async def _begin(self, reader: TopicReader) -> None:
        """Go to where the file stands; at the first start, to where the first endpoint was made.

        Raises RecordsLost."""
        starts, ends = await reader.starts(), await reader.ends()
        ids = await reader.topic_ids()
        known = self._positions.all()
        anew: set[str] = set()
        if not known:
            found = await self._find_beginning(reader, ends)
        else:
            lasts = self._positions.last_records()
            anew = self._positions.find_recreated(ids) | {
                one.topic for one in await reader.find_replaced(lasts, starts, ends)
            }
            anew |= {one.topic for one, at in known.items() if at > ends.get(one, at)}
            for topic in sorted(anew):
                log.warning(
                    "a topic is read from its beginning", topic=topic, why="created again, or cut"
                )
            lost = find_lost(known, starts, anew) - self._accepted_loss
            if lost:
                names = ",".join(sorted(lost))
                raise RecordsLost(
                    "Records were deleted that event webhooks had not read; to go on without them,"
                    f" start with SAYSO_ACCEPT_LOSS={names}"
                )
            found = {
                one: starts[one] if one.topic in anew else max(known.get(one, start), start)
                for one, start in starts.items()
            }
        with self._store.transaction():
            self._positions.reset(found, ids, anew)
        reader.seek(found)

    async def _find_beginning(
        self, reader: TopicReader, ends: Mapping[Partition, int]
    ) -> Mapping[Partition, int]:
        endpoints = self._endpoints.all()
        if not endpoints:
            return ends
        return await reader.offsets_at(to_ms(endpoints[0].created_at - CLOCKS_DIFFER))

    def _apply(self, records: list[Record], reached: Mapping[Partition, int]) -> None:
        """One transaction.  Nothing happens where no position moved."""
        moved = self._positions.find_moved(reached)
        if not moved:
            return
        events = [event for record in records if (event := self._read(record)) is not None]
        now = datetime.now(UTC)
        fresh = set()
        with self._store.transaction():
            by_tenant = self._list_by_tenant() if events else {}
            for event in events:
                for endpoint in by_tenant.get(event.tenant, ()):
                    if is_wanted(event.type, endpoint.events) and self._add(event, endpoint, now):
                        fresh.add(endpoint.id)
            self._positions.move(moved, records)
        if fresh:
            self._on_deliveries(fresh)

    def _read(self, record: Record) -> Event | None:
        """None for what holds no event; the ledger tells of what cannot be read."""
        if record.value is None:
            return None
        try:
            return read_event(record.partition.topic, record.key, record.value)
        except ValidationError:
            self._metrics.count("sayso_event_webhook_unreadable_total")
            topic, partition = record.partition
            log.warning("unreadable", topic=topic, partition=partition, offset=record.offset)
            return None

    def _list_by_tenant(self) -> Mapping[str, list[Endpoint]]:
        found = defaultdict[str, list[Endpoint]](list)
        for endpoint in self._endpoints.all():
            if endpoint.state != EndpointState.GONE:
                found[endpoint.tenant].append(endpoint)
        return found

    def _add(self, event: Event, endpoint: Endpoint, now: datetime) -> bool:
        body = build_body(event, endpoint.wishes)
        added = self._deliveries.add(endpoint.id, event.id, event.type, event.at, body, now)
        return added is not None
