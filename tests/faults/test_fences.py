"""Each fence that is not Kafka's own: it holds, and without it alone the damage it is for
appears.

(The transaction fence is in test_transaction_fence.py, the barrier after an assignment in
tests/core/partition/test_task.py.)"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from schemas import topics as t
from schemas.consent import ConsentEvent
from schemas.controls import Stop
from schemas.send import Send
from schemas.send_request import SendRequest
from services.workers.call_executor import CallExecutor
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.partition.task import PartitionTask
from streams.partition.transaction import CallResult, Transaction
from streams.processing import build_settings
from streams.runtime.runner import Hooks, Runner
from streams.runtime.strict_transactions import LostAnswer
from streams.runtime.timing import Lease, RuntimeLimits
from streams.topology import DISPATCH, GATE
from tests.simulation.log import Log
from tests.simulation.scenario import OWN, SENDERS, TENANTS

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
SETTINGS = build_settings(TENANTS, SENDERS)
NUMBER = "+14155550100"
ORDER = Send(
    message_id="m1",
    tenant="acme",
    to=NUMBER,
    sender=OWN,
    body="hello",
    kind="direct",
    lane="transactional",
    consent_epoch=1,
    send_before=NOW + timedelta(hours=1),
    issued_at=NOW,
)


class TaskDriver:
    """One partition of one processor and a log to feed it from."""

    def __init__(self, processor: object, partitions: int = 1) -> None:
        self.log = Log(1)
        self.task = PartitionTask(processor, 0, {topic.name: 1 for topic in t.EVERY_TOPIC})  # type: ignore[arg-type]
        self.now = NOW

    def take(self, topic: t.Topic, *messages: object) -> Transaction:  # type: ignore[type-arg]
        self.task.feed(
            topic.name,
            [self.log.publish(topic, m, int(self.now.timestamp() * 1000)) for m in messages],
        )
        return self.pass_time(0)

    def pass_time(self, seconds: float) -> Transaction:
        self.now += timedelta(seconds=seconds)
        tx = self.task.begin(self.now)
        while self.task.evaluate(tx, SETTINGS):
            pass
        self.task.mark_committed(tx)
        return tx

    def calls(self, topic: t.Topic, *messages: object) -> list[SendCall]:  # type: ignore[type-arg]
        """What dispatch would call the provider for, over the next few seconds."""
        turns = [self.take(topic, *messages), *[self.pass_time(1) for _ in range(3)]]
        return [effect for tx in turns for _, effect in tx.calls if isinstance(effect, SendCall)]


def dispatch() -> TaskDriver:
    return TaskDriver(DISPATCH)


def stop(epoch: int) -> Stop:
    return Stop(sender=OWN, number=NUMBER, tenant="acme", consent_epoch=epoch, at=NOW)


@pytest.mark.parametrize(
    ("epoch", "calls"),
    [
        pytest.param(2, 0, id="the epoch bars an order judged before the STOP"),
        pytest.param(
            0, 1, id="switched off, by a Stop without an epoch of its own: the text goes out"
        ),
    ],
)
def test_epoch(epoch: int, calls: int) -> None:
    driver = dispatch()
    driver.take(t.DISPATCH_CONTROLS, stop(epoch))
    assert len(driver.calls(t.DISPATCH_ORDERS, ORDER)) == calls


@pytest.mark.parametrize(
    ("remembers", "calls"),
    [
        pytest.param(True, 0, id="a repeated order is known"),
        pytest.param(False, 1, id="switched off, by forgetting its row: the text goes out twice"),
    ],
)
def test_remembered_orders(remembers: bool, calls: int) -> None:
    driver = dispatch()
    (post,) = driver.calls(t.DISPATCH_ORDERS, ORDER)
    taken = SendResult(
        tenant="acme",
        message_id="m1",
        attempt=1,
        sender=OWN,
        result=Result.ACCEPTED,
        provider_id="SM1",
    )
    driver.task.call_results.append(CallResult(post.sender, taken))
    driver.pass_time(1)
    if not remembers:
        driver.task.stores.clear()
    assert len(driver.calls(t.DISPATCH_ORDERS, ORDER)) == calls


@pytest.mark.parametrize(
    ("remembers", "orders"),
    [
        pytest.param(True, 1, id="a repeated request is known"),
        pytest.param(False, 2, id="switched off, by forgetting its row: it is ordered twice"),
    ],
)
def test_remembered_requests(remembers: bool, orders: int) -> None:
    driver = TaskDriver(GATE)
    driver.take(
        t.CONSENT_EVENTS,
        ConsentEvent(
            event_id="e1", tenant="acme", number=NUMBER, action="opt_in", source="form", at=NOW
        ),
    )
    request = SendRequest(
        message_id="m1", tenant="acme", to=NUMBER, body="hello", kind="direct", requested_at=NOW
    )
    sends = driver.take(t.SEND_REQUESTS, request).outgoing_records
    if not remembers:
        state = driver.task.stores[f"acme/{NUMBER}"]
        for name in list(state.names("msg/")):
            del state.raw[name]
    sends += driver.take(t.SEND_REQUESTS, request).outgoing_records
    assert len([send for send in sends if send.topic == t.DISPATCH_ORDERS.name]) == orders


class Listening:
    """A provider that only counts the calls that reach it."""

    calls = 0

    async def send(self, post: SendCall, held: Callable[[], bool] = lambda: True) -> SendResult:
        self.calls += 1
        return SendResult(
            tenant="acme",
            message_id="m1",
            attempt=1,
            sender=OWN,
            result=Result.ACCEPTED,
            provider_id="SM1",
        )

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("seconds", "calls", "result"),
    [
        pytest.param(15, 0, Result.UNSENT, id="slept past its lease: no call"),
        pytest.param(
            10**9, 1, Result.ACCEPTED, id="switched off, by a lease without end: the zombie calls"
        ),
    ],
)
async def test_lease(seconds: float, calls: int, result: Result) -> None:
    clock = [1000.0]
    lease = Lease(seconds, lambda: clock[0])
    clock[0] += 60
    provider = Listening()
    post = SendCall("acme", "m1", 1, OWN, NUMBER, "hello")
    assert (await CallExecutor(provider)(post, lease)).result is result
    assert provider.calls == calls


async def test_a_revoked_lease_is_over_at_once() -> None:
    lease, provider = Lease(15), Listening()
    lease.revoke()
    await CallExecutor(provider)(SendCall("acme", "m1", 1, OWN, NUMBER, "hello"), lease)
    assert provider.calls == 0


class Slow(Listening):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def send(self, post: SendCall, held: Callable[[], bool] = lambda: True) -> SendResult:
        answer = await super().send(post, held)
        await self.go.wait()
        return answer


@pytest.mark.parametrize(
    ("concurrency", "calls"),
    [
        pytest.param(1, 1, id="one connection: what waits for it has not begun, and does not"),
        pytest.param(2, 2, id="one for each: both had begun"),
    ],
)
async def test_a_lease_that_ends_while_a_call_waits_for_a_connection(
    concurrency: int, calls: int
) -> None:
    provider, second = Slow(), Lease(15)
    perform = CallExecutor(provider, concurrency)
    posts = [SendCall("acme", f"m{n}", 1, f"+1415555010{n}", NUMBER, "hello") for n in range(2)]
    tasks = [
        asyncio.create_task(perform(post, lease))
        for post, lease in zip(posts, (Lease(15), second), strict=True)
    ]
    await asyncio.sleep(0.01)
    second.revoke()
    provider.go.set()
    await asyncio.gather(*tasks)
    assert provider.calls == calls


@pytest.mark.parametrize(
    ("asleep", "calls"),
    [
        pytest.param(60, 0, id="slept while the commit's answer was on its way: no call"),
        pytest.param(0, 1, id="switched off, by not sleeping: it calls"),
    ],
)
async def test_the_lease_counts_from_before_the_commit(
    asleep: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("streams.runtime.timing.time.clock_gettime", lambda which: clock[0])
    driver, provider = dispatch(), Listening()

    class Writer:
        async def commit(
            self, task: PartitionTask, tx: Transaction, sent: Callable[[], None]
        ) -> None:
            clock[0] += asleep

        async def stop(self) -> None: ...

    hooks = Hooks(settings=lambda: SETTINGS, execute_call=CallExecutor(provider))
    host: Any = SimpleNamespace(
        live=True,
        limits=RuntimeLimits(),
        hooks=hooks,
        record_progress=lambda task: None,
        fail_fast=pytest.fail,
    )
    runner = Runner(host, driver.task, Writer())  # type: ignore[arg-type]
    driver.task.feed(
        t.DISPATCH_ORDERS.name,
        [driver.log.publish(t.DISPATCH_ORDERS, ORDER, int(NOW.timestamp() * 1000))],
    )
    await runner._commit(driver.task.begin(NOW))
    await asyncio.gather(*runner._calls)
    assert provider.calls == calls


async def test_a_commit_without_an_answer_makes_no_call() -> None:
    """It may be durable all the same, and with it that the call was begun.  It was not, and the
    next task is told so."""
    driver, provider = dispatch(), Listening()

    class Writer:
        async def commit(
            self, task: PartitionTask, tx: Transaction, sent: Callable[[], None]
        ) -> None:
            raise LostAnswer("the connection was lost")

        async def stop(self) -> None: ...

    given_up: list[Runner] = []
    host: Any = SimpleNamespace(
        live=True,
        limits=RuntimeLimits(),
        hooks=Hooks(
            settings=lambda: SETTINGS,
            execute_call=CallExecutor(provider),
            clock=lambda: NOW.timestamp(),
        ),
        arrival_rate=SimpleNamespace(note=lambda *_: None),
        reopen=lambda runner, error: given_up.append(runner),
        fail_fast=pytest.fail,
    )
    earlier = SendResult(
        tenant="acme", message_id="m0", attempt=1, sender=OWN, result=Result.ACCEPTED
    )
    driver.task.call_results.append(CallResult(OWN, earlier))
    runner = Runner(host, driver.task, Writer())  # type: ignore[arg-type]
    driver.task.feed(
        t.DISPATCH_ORDERS.name,
        [driver.log.publish(t.DISPATCH_ORDERS, ORDER, int(NOW.timestamp() * 1000))],
    )
    await runner._work()
    assert given_up == [runner]
    found: list[Any] = [one.value for one in await runner.end_calls()]
    assert [(one.message_id, one.result) for one in found] == [
        ("m0", Result.ACCEPTED),
        ("m1", Result.UNSENT),
    ]
    assert provider.calls == 0
