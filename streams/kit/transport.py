"""Faust's consumer, handing whole fetches to the agent, read committed, sought to the lanes' own positions.

Stands in for the stock consumer loop (four asyncio tasks a message, a fetch that long-polls 1.5 s for idle partitions
while a loaded one starves, reads that see uncommitted records) and for its seeks (to group offsets, which expire and
know nothing of rows).  Names of Faust's that are touched are listed in `privates`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import faust
import faust.tables
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver

from streams.kit import rest
from streams.lanes.farewell import GONE
from streams.lanes.loss import Loss

SCHEME = "sayso"
ALL, SOME = 0.5, 0.02
"""Seconds that a fetch may take: of all partitions, and where some lanes have no room for more."""

IDLE, BUSY = 1000, 100
"""Milliseconds that a fetch may wait at the broker: when nothing came last time, and when records flow."""
ENOUGH = 512 << 10
"""Bytes that end the wait of a room that gathers."""
AHEAD = 0.02
"""Seconds by which what was held back is fetched before the lanes begin their next transaction."""


@dataclass(slots=True)
class Fetch:
    """What one fetch returned: one item in the agent's channel.  `serial` is the seek it belongs to."""

    serial: int
    records: Mapping[Any, list[Any]]
    reached: Mapping[Any, int]
    taken: asyncio.Event = field(default_factory=asyncio.Event)


class Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """`serial` counts seeks: what was fetched under an older one is worthless."""

    serial = 0
    sought: Mapping[Any, int]
    held: frozenset[Any] = frozenset()
    held_until = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = BUSY  # aiokafka hands it to the fetcher, which `_set_wait` sets anew
        return consumer

    def _set_wait(self, busy: bool) -> None:
        """How long the next fetch may wait at the broker.

        Where nothing comes the wait is long, for the first record ends it.  Where records flow, or a lane has no room
        for more, it is short: aiokafka keeps one fetch in flight per broker, and idle partitions must not hold up a
        loaded one.  A room that nobody
        waits for lets them come together instead: fewer fetches, fewer and larger transactions."""
        fetcher, gather = self._consumer._fetcher, self.consumer.app.host.room.batching.gather
        fetcher._fetch_min_bytes = ENOUGH if busy and gather else 1
        fetcher._fetch_max_wait_ms = (int(gather * 1000) or BUSY) if busy else IDLE
        if self.held:
            fetcher._fetch_max_wait_ms = max(1, int(1000 * (self.held_until - time.monotonic())))

    async def seek_exact(self, positions: Mapping[Any, int]) -> Mapping[Any, int]:
        sought: Mapping[Any, int] = await self.call_thread(self._seek_exact, positions)
        return sought

    async def _seek_exact(self, positions: Mapping[Any, int]) -> Mapping[Any, int]:
        consumer = self._consumer
        self._release()
        assigned = list(consumer.assignment())
        unread = [place for place in assigned if place not in positions]
        starts = await consumer.beginning_offsets(unread) if unread else {}
        self.sought = {place: positions.get(place, starts.get(place, 0)) for place in assigned}
        self.serial += 1
        for place, offset in self.sought.items():  # no await between the serial and the last seek
            consumer.seek(place, offset)
        self.start_anywhere(False)
        return self.sought

    async def say(self, word: str, offsets: Mapping[Any, int | None]) -> None:
        """With the group's offsets, for lag tools: that they do not hear of it stops nobody."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.call_thread(self._say, word, offsets), timeout=2)

    async def _say(self, word: str, offsets: Mapping[Any, int | None]) -> None:
        ours = {place: offsets[place] for place in self._consumer.assignment() if offsets.get(place) is not None}
        await self._consumer.commit({place: OffsetAndMetadata(offset, word) for place, offset in ours.items()})

    def start_anywhere(self, may: bool) -> None:
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
            records = await self._take(places - self.held, self.held_until - time.monotonic()) if self.held else None
            if not records:
                self._release()
                records = await self._take(places, wait)
            self._hold(records)
        except OffsetOutOfRangeError as error:
            raise _lost(error) from None
        if serial != self.serial:  # a seek overtook this fetch: it may have popped fresh records, so seek there again
            for place in records:
                if place in self.sought:
                    consumer.seek(place, self.sought[place])
            records = {}
        self._set_wait(busy=bool(records) or wait < ALL)
        assigned = consumer.assignment()
        reached = {place: await consumer.position(place) for place in asking if place in assigned}
        return Fetch(serial, records, reached if serial == self.serial else {})

    async def _take(self, places: set[Any], wait: float) -> Mapping[Any, list[Any]]:
        if not places or wait <= 0:
            return {}
        consumer = self._consumer
        found: Mapping[Any, list[Any]] = await self._fetch_records(
            consumer, places, timeout=wait, max_records=consumer._max_poll_records
        )
        return found

    def _hold(self, records: Mapping[Any, list[Any]]) -> None:
        """While the lanes let facts come together, those may as well do so at the broker: what can wait is not fetched
        meanwhile, and what cannot (a STOP) comes at once.  No await since the records were taken: aiokafka has not
        asked for more yet."""
        host = self.consumer.app.host
        batching = host.room.batching
        if self.held or not (batching.crowd and batching.eager and host.flow.large):
            return
        held = {place for place in self._consumer.assignment() if place.topic not in host.urgent}
        if 0 < sum(map(len, records.values())) < rest.ENOUGH:
            self.held, self.held_until = frozenset(held), time.monotonic() + batching.crowd - AHEAD
            self._consumer.pause(*held)

    def _release(self) -> None:
        if self.held:
            self._consumer.resume(*(self.held & self._consumer.assignment()))
            self.held = frozenset()


def _lost(error: OffsetOutOfRangeError) -> Loss:
    """How many they were is said at the next start, which is refused (`restore`)."""
    (place, offset), *_ = error.args[0].items()
    return Loss(f"{place.topic} partition {place.partition} no longer has offset {offset}, which comes next: records "
                "are gone, by retention or because the topic was cut, before they were read")  # fmt: skip


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Positions come from the lanes; the group's offsets are written for lag tools only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.host = self.app.host
        self.finished: dict[Any, int] = {}
        self.offered: Fetch | None = None

    def _new_consumer_thread(self) -> Thread:
        return Thread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)
                else:
                    await self._drain_once()
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise
        except Exception as error:  # noqa: BLE001 - whatever it is, this worker must not go on
            self.host.die(error)

    async def _drain_once(self) -> None:
        active = set(self._get_active_partitions())  # a copy: pausing empties the live set
        hungry = {place for place in active if self.host.hungry(place)}
        if not hungry:  # an empty set would mean "all" to aiokafka
            await asyncio.sleep(0.002 if active else 0.05)
            return
        generation = self.app.consumer_generation_id
        fetch = await self._thread.fetch(hungry, self.host.asking(hungry), ALL if hungry == active else SOME)
        # Dropping is safe in each of these cases: a seek has come, or will before the flow resumes.
        stale = fetch.serial != self._thread.serial or generation != self.app.consumer_generation_id
        if stale or not self.flow_active or not (fetch.records or fetch.reached):
            await asyncio.sleep(0)
            return
        self.offered = fetch
        self.host.channel.queue.force_put_nowait(fetch)
        await self.wait_first(fetch.taken.wait(), self.suspend_flow.wait())

    async def seek_to_committed(self) -> Mapping[Any, int]:
        sought: Mapping[Any, int] = await self._thread.seek_exact(self.host.positions())
        return sought

    async def perform_seek(self) -> None:
        """Faust calls this before it resumes, after on_rebalance_complete, and again mid-life: a seek made anywhere
        else would be undone, so this one must always answer the current positions."""
        self.finished.clear()
        sought = await self.seek_to_committed()
        await self._thread.say("", sought)  # instead of a predecessor's farewell
        self._committed_offset.update(sought)
        self.finished.update(self.host.positions())  # what a lane may have finished meanwhile

    async def wait_empty(self) -> None:
        """Revocation or shutdown: let running transactions and calls end, begin none, show our progress."""
        self._thread.start_anywhere(True)
        await self.host.quiet(self.app.conf.broker_rebalance_timeout * 0.7)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.commit(), 5)

    async def on_stop(self) -> None:
        await super().on_stop()
        await self._thread.say(GONE, self._committed_offset)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[Any]:
        return list(self.finished)

    def _new_offset(self, tp: Any) -> int | None:
        return self.finished.pop(tp, None)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Faust's livelock logger knows Events only; the watchdog looks after us."""


class Transport(driver.Transport):  # type: ignore[misc]
    Consumer = Consumer


class App(faust.App):  # type: ignore[misc]
    """Rows live on Kafka: no folder for tables is made in whatever directory a worker is started from."""

    def _create_directories(self) -> None: ...


class QuickTables(faust.tables.TableManager):  # type: ignore[misc]
    """There are no Faust tables here, and nothing to sleep a second for."""

    async def sleep(self, n: Any, **kwargs: Any) -> None:
        await super().sleep(0 if n == 1.0 else n)


def credentials(auth: Mapping[str, Any]) -> Any:
    """What aiokafka's own clients are told, as Faust wants it."""
    context = auth.get("ssl_context")
    if "sasl_mechanism" not in auth:
        return faust.SSLCredentials(context) if context else None
    return faust.SASLCredentials(
        mechanism=auth["sasl_mechanism"], username=auth["sasl_plain_username"], password=auth["sasl_plain_password"],
        ssl_context=context,
    )  # fmt: skip


drivers.TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
