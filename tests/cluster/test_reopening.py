"""A worker that gets no answer to a transactional request goes on, and counts every event once."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from streams.runtime.faust_app import FaustApp
from streams.runtime.main import run
from streams.runtime.runner import Hooks
from streams.runtime.strict_transactions import LostAnswer
from streams.runtime.timing import RuntimeLimits
from tests.cluster import torn_batches
from tests.cluster.proxy import ADD_PARTITIONS, END_TXN, INIT_PRODUCER_ID, BrokerProxy
from tests.cluster.torn_batches import next_only
from tests.faults import chaos, counting
from tests.faults.test_chaos import assert_exact, assert_state, assert_timers
from tests.read_committed import records

pytestmark = [pytest.mark.broker, pytest.mark.asyncio(loop_scope="module")]

PARTITIONS = 2


class Worker:
    """The counting processor in this process; `fatal`: what would have ended it."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()
        self.fatal: list[BaseException] = []
        self.host = FaustApp(
            counting.counting(prefix),
            bootstrap,
            counting.counts(prefix, PARTITIONS),
            Hooks(on_ready=lambda partitions: self.ready.set(), on_fatal=self.fatal.append),
            limits=RuntimeLimits(session_timeout=6, transaction_timeout=8, call_timeout=2),
        )
        self._task = asyncio.create_task(run(self.host, self._stop))

    @property
    def reopened(self) -> int:
        return sum(map(len, self.host.reopener._begun.values()))

    def forget(self) -> None:
        """How often it was: each fault is the first one."""
        self.host.reopener._begun.clear()

    async def until_reopened(self, times: int) -> None:
        async with asyncio.timeout(20):
            while self.reopened < times or self.host.reopener.under_way:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._stop.set()
        await self._task


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[str, BrokerProxy]]:
    folder: Path = tmp_path_factory.mktemp("reopening")
    async with torn_batches.proxied_broker(folder) as made:
        yield made


async def start(bootstrap: str) -> tuple[str, Worker]:
    prefix = f"reopened-{uuid.uuid4().hex[:8]}"
    await chaos.make_topics(bootstrap, prefix, PARTITIONS)
    worker = Worker(bootstrap, prefix)
    async with asyncio.timeout(60):
        await worker.ready.wait()
    return prefix, worker


async def hurt(worker: Worker, proxy: BrokerProxy) -> None:
    """Each request lost on its way, and each answer on its way back.  What was held back arrives
    late, in the middle of what comes next."""
    for lost in ("hold", "lose"):
        for key in (END_TXN, ADD_PARTITIONS):
            await asyncio.sleep(0.7)
            setattr(proxy, lost, next_only(proxy, lost, key))
            await worker.until_reopened(1)
            if proxy.held:
                await proxy.release()
            worker.forget()


@pytest.mark.timeout(120)
async def test_nothing_is_lost_or_repeated(broker: tuple[str, BrokerProxy]) -> None:
    bootstrap, proxy = broker
    prefix, worker = await start(bootstrap)
    load = asyncio.create_task(chaos.publish(bootstrap, prefix, seconds=7, rate=200))
    await hurt(worker, proxy)
    sent = await load
    counted = await chaos.wait_for_counts(bootstrap, prefix, sum(map(len, sent.values())), 40)
    await asyncio.sleep(0.5)
    await worker.stop()
    assert worker.fatal == []
    assert_exact(sent, counted)
    woken = await records(bootstrap, counting.topics(prefix)["woken"].name)
    assert_timers(sent, [json.loads(record.value) for record in woken])
    assert_state(sent, await records(bootstrap, counting.counting(prefix).state_topic.name))


@pytest.mark.timeout(120)
async def test_a_rebalance_meanwhile_opens_it_instead(broker: tuple[str, BrokerProxy]) -> None:
    """The new writer waits for its epoch when another worker joins: neither ends, and nobody
    counts twice."""
    bootstrap, proxy = broker
    prefix, worker = await start(bootstrap)
    load = asyncio.create_task(chaos.publish(bootstrap, prefix, seconds=6, rate=100))
    await asyncio.sleep(1)
    proxy.hang = frozenset({INIT_PRODUCER_ID})
    proxy.lose = next_only(proxy, "lose", END_TXN)
    async with asyncio.timeout(20):
        while not worker.host.reopener.under_way:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    other = Worker(bootstrap, prefix)
    async with asyncio.timeout(20):
        while worker.host.reopener.under_way:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    proxy.hang = frozenset()
    sent = await load
    counted = await chaos.wait_for_counts(bootstrap, prefix, sum(map(len, sent.values())), 60)
    assert sorted([*worker.host.runners, *other.host.runners]) == [0, 1]
    await worker.stop()
    await other.stop()
    assert worker.fatal == other.fatal == []
    assert_exact(sent, counted)


@pytest.mark.timeout(60)
async def test_again_and_again_ends_the_worker(broker: tuple[str, BrokerProxy]) -> None:
    bootstrap, proxy = broker
    prefix, worker = await start(bootstrap)

    def lose(key: int) -> bool:
        return key == END_TXN

    proxy.lose = lose
    load: asyncio.Task[Any] = asyncio.create_task(
        chaos.publish(bootstrap, prefix, seconds=3, rate=20)
    )
    async with asyncio.timeout(30):
        while not worker.fatal:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    proxy.lose = None
    await load
    await worker.stop()
    assert isinstance(worker.fatal[0], LostAnswer)
