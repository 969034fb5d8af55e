"""A runner whose timer is due asks where topics end, and what may come between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from streams.partition.task import PartitionTask
from streams.partition.transaction import Transaction
from streams.runtime import runner as runner_module
from streams.runtime.runner import Hooks, Runner
from streams.runtime.timing import ArrivalRate, RuntimeLimits
from tests.core.partition.test_task import FIRST, NOW, THEN, entry, run, task
from tests.simulation.log import Log

LATE = (NOW + timedelta(minutes=2)).timestamp()


class Writer:
    def __init__(self) -> None:
        self.timers = 0
        self.fired = asyncio.Event()

    async def commit(self, task: PartitionTask, tx: Transaction, sent: Callable[[], None]) -> None:
        task.build_changelog(tx)
        self.timers += tx.timer_count
        if tx.timer_count:
            self.fired.set()

    async def stop(self) -> None: ...


class House:
    """A runner with a timer that is due, and a broker that answers when it is told to."""

    def __init__(self) -> None:
        log, one = Log(1), task(checks_ends=True)
        one.feed(THEN.name, [entry(log, THEN, "sleep")])
        tx = run(one)
        one.build_changelog(tx)
        one.mark_committed(tx)
        self.asked = asyncio.Event()
        self.answer: asyncio.Future[Mapping[str, int] | None] = (
            asyncio.get_running_loop().create_future()
        )
        self.host: Any = SimpleNamespace(
            live=True,
            limits=RuntimeLimits(),
            arrival_rate=ArrivalRate(),
            hooks=Hooks(clock=lambda: LATE),
            read_ends=self.read_ends,
            record_progress=lambda task: None,
            fail_fast=pytest.fail,
        )
        self.writer = Writer()
        self.runner = Runner(self.host, one, self.writer)  # type: ignore[arg-type]

    async def read_ends(self, topics: list[str], partition: int) -> Mapping[str, int] | None:
        assert (topics, partition) == ([FIRST.name], 0)
        self.asked.set()
        found = await self.answer
        self.answer = asyncio.get_running_loop().create_future()
        return found


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(runner_module, "ASK_AGAIN", 0.0)
    made = House()
    made.runner.resume()
    async with asyncio.timeout(5):
        await made.asked.wait()
    made.asked.clear()
    yield made
    await made.runner.close()


async def turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_timer_fires_after_the_answer(house: House) -> None:
    assert house.writer.timers == 0
    house.answer.set_result({FIRST.name: 0})
    await turns()
    assert house.writer.timers == 1


async def test_without_an_answer_it_waits_and_asks_again(house: House) -> None:
    house.answer.set_result(None)
    async with asyncio.timeout(5):
        await house.asked.wait()
    assert house.writer.timers == 0


async def test_a_rebalance_meanwhile_begins_nothing(house: House) -> None:
    house.host.live = False
    house.runner.drain()
    assert not house.runner.is_busy
    house.answer.set_result({FIRST.name: 0})
    await turns()
    assert house.writer.timers == 0


async def test_a_task_that_waits_for_a_stop_sleeps(house: House) -> None:
    """It does not ask in a circle, and goes on with what is fed."""
    house.answer.set_result({FIRST.name: 1})
    await turns()
    assert (house.writer.timers, house.asked.is_set()) == (0, False)
    log = Log(1)
    house.runner.feed(FIRST.name, [entry(log, FIRST, "stop")])
    async with asyncio.timeout(5):
        await house.writer.fired.wait()
