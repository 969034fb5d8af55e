"""Faust's consumer: it hands whole fetches to the agent, reads committed records, and seeks to our
own positions.

It replaces the stock loop, which starts four asyncio tasks a message, long-polls 1.5 s for idle
partitions while a loaded one starves, and sees uncommitted records.  It replaces the stock seeks
too: those go to the group's offsets, which expire and know nothing of our state.
`vendor_internals` lists the names of Faust that are used.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import faust
import faust.tables
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver

from streams.processor import SHUTDOWN_METADATA
from streams.runtime.fetching import WAIT_ALL, WAIT_SOME, ConsumerThread, Fetch

SCHEME = "sayso"


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Positions come from the partition tasks; the group's offsets are written for monitoring
    only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.faust_app = self.app.faust_app
        self.progress: dict[Any, int] = {}
        self.offered_fetch: Fetch | None = None

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

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
            self.faust_app.fail_fast(error)

    async def _drain_once(self) -> None:
        # A copy: pausing empties the live set.
        active = {
            one for one in self._get_active_partitions() if not self.faust_app.stands_still(one)
        }
        wanted = {one for one in active if self.faust_app.has_capacity(one)}
        if not wanted:  # an empty set would mean "all" to aiokafka
            await asyncio.sleep(0.002 if active else 0.05)
            return
        generation = self.app.consumer_generation_id
        fetch = await self._thread.fetch(
            wanted,
            self.faust_app.partitions_to_locate(wanted),
            WAIT_ALL if wanted == active else WAIT_SOME,
        )
        # Dropping the fetch is safe in each case: a seek has come, or will before the flow resumes.
        stale = fetch.serial != self._thread.serial or generation != self.app.consumer_generation_id
        if stale or not self.flow_active or not (fetch.records or fetch.positions):
            await asyncio.sleep(0)
            return
        self.offered_fetch = fetch
        self.faust_app.channel.queue.force_put_nowait(fetch)
        await self.wait_first(fetch.accepted.wait(), self.suspend_flow.wait())

    async def seek_to_committed(self) -> Mapping[Any, int]:
        sought: Mapping[Any, int] = await self._thread.seek_exact(self.faust_app.positions())
        return sought

    async def perform_seek(self) -> None:
        """Faust calls this before it resumes, after on_rebalance_complete, and at other times too.
        It undoes a seek made anywhere else, so this one must always use the current positions."""
        self.progress.clear()
        sought = await self.seek_to_committed()
        await self._thread.commit_metadata("", sought)  # clears a predecessor's metadata
        self._committed_offset.update(sought)
        self.progress.update(self.faust_app.positions())  # what a task may have finished meanwhile

    async def wait_empty(self) -> None:
        """Revocation or shutdown: begin nothing, let transactions and calls end, commit our
        progress."""
        self._thread.allow_reset(True)
        await self.faust_app.drain(self.app.conf.broker_rebalance_timeout * 0.7)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.commit(), 5)

    async def on_stop(self) -> None:
        await super().on_stop()
        await self._thread.commit_metadata(SHUTDOWN_METADATA, self._committed_offset)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[Any]:
        return list(self.progress)

    def _new_offset(self, tp: Any) -> int | None:
        return self.progress.pop(tp, None)

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Faust's livelock logger knows Events only; we have the watchdog."""


class Transport(driver.Transport):  # type: ignore[misc]
    Consumer = Consumer


class App(faust.App):  # type: ignore[misc]
    """State is on Kafka: a worker makes no folder for tables in its working directory."""

    def _create_directories(self) -> None: ...


class QuickTables(faust.tables.TableManager):  # type: ignore[misc]
    """There are no Faust tables here, so there is nothing to sleep a second for."""

    async def sleep(self, n: Any, **kwargs: Any) -> None:
        await super().sleep(0 if n == 1.0 else n)


def credentials(auth: Mapping[str, Any]) -> Any:
    """The settings of aiokafka's own clients, as Faust wants them."""
    context = auth.get("ssl_context")
    if "sasl_mechanism" not in auth:
        return faust.SSLCredentials(context) if context else None
    return faust.SASLCredentials(
        mechanism=auth["sasl_mechanism"],
        username=auth["sasl_plain_username"],
        password=auth["sasl_plain_password"],
        ssl_context=context,
    )


drivers.TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
