"""What a fetch asks for, and how long it may wait at the broker."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver

from streams.partition.changelog import DataLoss
from streams.runtime import timing

WAIT_ALL, WAIT_SOME = 0.5, 0.02
"""Seconds that a fetch may take: of all partitions, and where some lanes have no room for more."""
IDLE_WAIT_MS, BUSY_WAIT_MS = 1000, 100
"""Milliseconds that a fetch may wait at the broker: when nothing came last time, and when records flow."""
ENOUGH_BYTES = 1 << 20
"""Of records: they end the wait of a room that gathers."""
RESUME_AHEAD = 0.02
"""Seconds between the fetch of records that were held back and the lanes' next transaction."""


@dataclass(slots=True)
class Fetch:
    """What one fetch returned: one item in the agent's channel.  `serial` is the seek it belongs to."""

    serial: int
    records: Mapping[Any, list[Any]]
    positions: Mapping[Any, int]
    accepted: asyncio.Event = field(default_factory=asyncio.Event)


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """`serial` counts seeks: what was fetched under an older one is worthless."""

    serial = 0
    sought: Mapping[Any, int]
    paused: frozenset[Any] = frozenset()
    paused_until = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = (
            BUSY_WAIT_MS  # aiokafka hands it to the fetcher, which `_set_wait` sets anew
        )
        return consumer

    def _set_wait(self, busy: bool) -> None:
        """How long the next fetch may wait at the broker.

        Where nothing comes the wait is long, for the first record ends it.  Where records flow, or a lane has no room
        for more, it is short: aiokafka keeps one fetch in flight per broker, and idle partitions must not hold up a
        loaded one.  A room that nobody waits for lets them come together instead: fewer fetches, and fewer and larger
        transactions."""
        fetcher, gather = (
            self._consumer._fetcher,
            self.consumer.app.faust_app.processor.batching.fetch_wait,
        )
        fetcher._fetch_min_bytes = ENOUGH_BYTES if busy and gather else 1
        fetcher._fetch_max_wait_ms = (int(gather * 1000) or BUSY_WAIT_MS) if busy else IDLE_WAIT_MS
        if self.paused:
            fetcher._fetch_max_wait_ms = max(1, int(1000 * (self.paused_until - time.monotonic())))

    async def seek_exact(self, positions: Mapping[Any, int]) -> Mapping[Any, int]:
        sought: Mapping[Any, int] = await self.call_thread(self._seek_exact, positions)
        return sought

    async def _seek_exact(self, positions: Mapping[Any, int]) -> Mapping[Any, int]:
        consumer = self._consumer
        self._resume_regular()
        assigned = list(consumer.assignment())
        unread = [place for place in assigned if place not in positions]
        starts = await consumer.beginning_offsets(unread) if unread else {}
        self.sought = {place: positions.get(place, starts.get(place, 0)) for place in assigned}
        self.serial += 1
        for place, offset in self.sought.items():  # no await between the serial and the last seek
            consumer.seek(place, offset)
        self.allow_reset(False)
        return self.sought

    async def commit_metadata(self, word: str, offsets: Mapping[Any, int | None]) -> None:
        """With the group's offsets, for lag tools: that they do not hear of it stops nobody."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(
                self.call_thread(self._commit_metadata, word, offsets), timeout=2
            )

    async def _commit_metadata(self, word: str, offsets: Mapping[Any, int | None]) -> None:
        ours = {
            place: offsets[place]
            for place in self._consumer.assignment()
            if offsets.get(place) is not None
        }
        await self._consumer.commit(
            {place: OffsetAndMetadata(offset, word) for place, offset in ours.items()}
        )

    def allow_reset(self, may: bool) -> None:
        """Whether the consumer may begin where a log begins, which it must before it is sought.  Afterwards a log that
        no longer has what comes next has lost records under our eyes, and to go on behind them would hide that."""
        strategy = OffsetResetStrategy.EARLIEST if may else OffsetResetStrategy.NONE
        self._consumer._fetcher._default_reset_strategy = strategy

    async def fetch(self, places: set[Any], asking: set[Any], wait: float) -> Fetch:
        """Records of `places`, and where the consumer stands in those of `asking`."""
        fetched: Fetch = await self.call_thread(self._fetch, places, asking, wait)
        return fetched

    async def _fetch(self, places: set[Any], asking: set[Any], wait: float) -> Fetch:
        consumer, serial = self._consumer, self.serial
        try:
            records: Mapping[Any, list[Any]] = {}
            if self.paused:
                records = await self._fetch_within(
                    places - self.paused, self.paused_until - time.monotonic()
                )
            if not records:
                self._resume_regular()
                records = await self._fetch_within(places, wait)
            self._pause_regular(records)
        except OffsetOutOfRangeError as error:
            raise _lost(error) from None
        if (
            serial != self.serial
        ):  # a seek overtook this fetch: it may have popped fresh records, so seek there again
            for place in records:
                if place in self.sought:
                    consumer.seek(place, self.sought[place])
            records = {}
        self._set_wait(busy=bool(records) or wait < WAIT_ALL)
        assigned = consumer.assignment()
        reached = {place: await consumer.position(place) for place in asking if place in assigned}
        return Fetch(serial, records, reached if serial == self.serial else {})

    async def _fetch_within(self, places: set[Any], wait: float) -> Mapping[Any, list[Any]]:
        if not places or wait <= 0:
            return {}
        consumer = self._consumer
        found: Mapping[Any, list[Any]] = await self._fetch_records(
            consumer, places, timeout=wait, max_records=consumer._max_poll_records
        )
        return found

    def _pause_regular(self, records: Mapping[Any, list[Any]]) -> None:
        """While the lanes let facts come together, those may as well do so at the broker: what can wait is not fetched
        meanwhile, and what cannot (a STOP) comes at once.  No await since the records were taken: aiokafka has not
        asked for more yet."""
        faust_app = self.consumer.app.faust_app
        batching = faust_app.processor.batching
        now = time.monotonic()
        if self.paused or not (
            batching.busy_tick
            and batching.stop_topics == "priority_topics"
            and faust_app.arrival_rate.is_high(now)
        ):
            return
        if 0 < sum(map(len, records.values())) < timing.ENOUGH:
            urgent = {topic.name for topic in faust_app.processor.priority_topics}
            held = {place for place in self._consumer.assignment() if place.topic not in urgent}
            self.paused, self.paused_until = (
                frozenset(held),
                now + batching.busy_tick - RESUME_AHEAD,
            )
            self._consumer.pause(*held)

    def _resume_regular(self) -> None:
        if self.paused:
            self._consumer.resume(*(self.paused & self._consumer.assignment()))
            self.paused = frozenset()


def _lost(error: OffsetOutOfRangeError) -> DataLoss:
    """How many they were is said at the next start, which is refused (`restore`)."""
    (place, offset), *_ = error.args[0].items()
    return DataLoss(
        f"{place.topic} partition {place.partition} no longer has offset {offset}, which comes next: records "
        "are gone, by retention or because the topic was cut, before they were read"
    )
