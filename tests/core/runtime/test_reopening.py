"""When a partition is opened again, what its new task gets, and when it is left to others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from streams.partition.task import PartitionTask
from streams.partition.transaction import CallResult
from streams.runtime import reopening
from streams.runtime.reopening import MOST, Reopener
from streams.runtime.runner import Hooks, Runner
from streams.runtime.strict_transactions import LostAnswer, NoAnswer
from streams.runtime.timing import RuntimeLimits
from tests.faults import counting

PROCESSOR = counting.counting("r")
FIRST, THEN = (topic.name for topic in PROCESSOR.inputs)
RESULT: Any = CallResult("key", counting.Event(key="key", i=1))


class Writer:
    stopped = False

    async def stop(self) -> None:
        self.stopped = True


class Thread:
    """The consumer's; `seeks`: where each seek went."""

    def __init__(self) -> None:
        self.serial, self.seeks = 0, list[Mapping[Any, int]]()
        self.answers: Iterator[bool] = iter(())
        self.meanwhile: Callable[[], None] = lambda: None
        self.resets = list[bool]()

    async def is_member(self) -> bool:
        return next(self.answers, True)

    async def seek_exact(self, positions: Mapping[Any, int]) -> None:
        await asyncio.sleep(0)
        self.serial += 1
        self.seeks.append(positions)
        self.meanwhile()

    def allow_reset(self, allow: bool) -> None:
        self.resets.append(allow)


class Host:
    """An app with two partitions, whose events of the `then` topic are read to 5, 7 of them
    buffered."""

    def __init__(self) -> None:
        self.live, self.rebalances, self.stale_serial, self.progress_at = True, 1, 0, 0.0
        self.limits = RuntimeLimits(fence_timeout=1)
        self.told = list[int]()
        self.hooks = Hooks(on_reopen=self.told.append)
        self.thread = Thread()
        self.failed, self.resumed = list[BaseException](), list[Runner]()
        self.opens: Callable[[Collection[Runner]], Awaitable[None]] = self._restore
        self.runners = {number: self.build_runner(number) for number in (0, 1)}
        for runner in self.runners.values():
            runner.task.positions, runner.task.expected = {THEN: 5}, {THEN: 7}
        self.built = list[Runner]()
        self.reopener = Reopener(self)

    def build_runner(self, partition: int) -> Runner:
        task = PartitionTask(PROCESSOR, partition, counting.counts("r", 2))
        owner: Any = SimpleNamespace(hooks=None, limits=self.limits, live=False)
        runner = Runner(owner, task, Writer())  # type: ignore[arg-type]
        runner.resume = lambda: self.resumed.append(runner)  # type: ignore[method-assign]
        if hasattr(self, "built"):
            self.built.append(runner)
        return runner

    async def _restore(self, fresh: Collection[Runner]) -> None:
        for runner in fresh:
            runner.task.positions = runner.task.expected = {THEN: 4}

    async def open(self, fresh: Collection[Runner], is_wanted: Callable[[], bool]) -> None:
        await self.opens(fresh)

    def fail_fast(self, error: BaseException) -> None:
        self.failed.append(error)

    def drain(self) -> None:
        self.live, self.rebalances = False, self.rebalances + 1

    async def reopen(self) -> Runner:
        runner = self.runners[0]
        self.reopener.reopen(runner, LostAnswer("lost"))
        assert 0 not in self.runners, "nothing feeds it any more"
        while self.reopener.under_way:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return runner


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reopening, "LOOK_AGAIN", 0.001)
    monkeypatch.setattr(reopening, "ASK_AGAIN", 0.001)


async def test_a_new_task_goes_on_where_kafka_stands() -> None:
    """What the other one has in its buffer is not read again, and the results are not lost."""
    host = Host()
    host.runners[0].task.call_results.append(RESULT)
    host.thread.answers = iter((False, False, True))
    given_up = await host.reopen()
    assert host.failed == []
    assert host.told == [0]
    assert host.resumed == host.built == [host.runners[0]]
    assert host.thread.seeks == [{(THEN, 0): 4, (THEN, 1): 7}]
    assert list(host.runners[0].task.call_results) == [RESULT]
    assert given_up.writer.stopped  # type: ignore[attr-defined]


async def test_calls_end_before_their_partition_goes_on() -> None:
    host = Host()
    ended = asyncio.Event()

    async def execute(call: Any, lease: Any) -> Any:
        await ended.wait()
        assert not lease.is_held
        return RESULT.value

    runner = host.runners[0]
    runner.owner.hooks = SimpleNamespace(execute_call=execute)  # type: ignore[assignment]
    runner._begin_call("key", SimpleNamespace(identity="call"), runner._lease(0))
    opening = asyncio.create_task(host.reopen())
    await asyncio.sleep(0.05)
    assert host.thread.seeks == []
    ended.set()
    await opening
    assert list(host.runners[0].task.call_results) == [RESULT]


@pytest.mark.parametrize("step", ["member", "open", "seek", "before"])
async def test_a_rebalance_meanwhile_opens_it_instead(step: str) -> None:
    host = Host()

    async def open_late(fresh: Collection[Runner]) -> None:
        host.drain()
        await asyncio.Event().wait()

    match step:
        case "before":
            host.drain()
        case "member":
            host.thread.answers = iter([False] * 1000)
            asyncio.get_running_loop().call_later(0.02, host.drain)
        case "open":
            host.opens = open_late
        case "seek":
            host.thread.meanwhile = host.drain
    await host.reopen()
    assert host.failed == host.resumed == []
    assert list(host.runners) == [1]
    assert host.built[0].writer.stopped  # type: ignore[attr-defined]
    assert host.thread.resets == ([True] if step == "seek" else [])
    assert host.stale_serial == host.thread.serial


async def test_who_is_no_member_fences_nobody() -> None:
    host = Host()
    host.thread.answers = iter([False] * 100_000)
    await host.reopen()
    assert [str(error) for error in host.failed] == [
        "lost; then the consumer group did not confirm for 1 s that this worker is a member"
    ]
    assert list(host.runners) == [1]


async def test_a_partition_that_cannot_be_opened_ends_the_process() -> None:
    host = Host()

    async def fail(fresh: Collection[Runner]) -> None:
        raise NoAnswer("no coordinator")

    host.opens = fail
    await host.reopen()
    assert [str(error) for error in host.failed] == ["lost; then no coordinator"]


async def test_again_and_again_ends_the_process() -> None:
    host = Host()
    for _ in range(MOST):
        await host.reopen()
    assert host.failed == []
    host.reopener.reopen(host.runners[0], LostAnswer("lost"))
    host.reopener.reopen(host.runners[1], LostAnswer("another partition's first"))
    assert [str(error) for error in host.failed] == ["lost"]
