"""Attempts at a real receiver: signatures, faults, limits, pauses, and who is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.event_webhooks import delivery_loop
from services.event_webhooks.addresses import AddressPolicy, SystemResolver
from services.event_webhooks.attempt import READ_AT_MOST, Attempts, Problem
from services.event_webhooks.deliveries import KEPT, Deliveries, Delivery, DeliveryState
from services.event_webhooks.delivery_loop import PER_ENDPOINT, DeliveryLoop
from services.event_webhooks.endpoints import Endpoints, EndpointState, NewSecret
from services.event_webhooks.housekeeping import Housekeeping
from services.event_webhooks.retry_schedule import DEAD_AFTER, DEAD_FAILURES, PAUSES, RETRIES
from services.event_webhooks.signature import make_secret
from services.event_webhooks.store import Store
from services.observability.metrics import EVENT_WEBHOOKS
from services.observability.registry import MetricRegistry
from tests.adapters.waiting import until
from tests.adapters.webhook_receiver import Receiver, Taken, fail, hang, receiving, take

BODY = json.dumps(
    {"type": "reply.received", "timestamp": "2026-01-01T00:00:00Z", "data": {}}
).encode()


class Clock:
    """Virtual: three days are over in no time."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now


class World:
    def __init__(self, store: Store, attempts: Attempts, in_all: int) -> None:
        self.clock = Clock()
        self.store = store
        self.endpoints = Endpoints(store)
        self.deliveries = Deliveries(store)
        self.metrics = MetricRegistry(EVENT_WEBHOOKS)
        self.loop = DeliveryLoop(
            store, attempts, self.metrics, in_all=in_all, clock=self.clock, chance=lambda: 0.5
        )
        self._count = 0

    def endpoint(self, receiver: Receiver, **fields: Any) -> NewSecret:
        made = self.endpoints.add(
            "acme",
            self.clock(),
            **{"url": receiver.url, "owner": "it@acme.example", "events": ["reply.*"], **fields},
        )
        receiver.secrets.append(made.secret.get_secret_value())
        return made

    def happen(self, endpoint: str, count: int = 1) -> list[int]:
        """Events to deliver there."""
        made = []
        for _ in range(count):
            self._count += 1
            one = self.deliveries.add(
                endpoint, f"evt_{self._count}", "reply.received", self.clock(), BODY, self.clock()
            )
            assert one is not None
            made.append(one)
        self.loop.notice([endpoint])
        return made

    def state(self, delivery: int) -> DeliveryState:
        found = self.deliveries.find(delivery)
        assert found is not None
        return found.state

    def state_of(self, endpoint: str) -> EndpointState:
        found = self.endpoints.find(endpoint)
        assert found is not None
        return found.state

    async def attempt_all(self) -> None:
        """Everything that is due now, and no look at the clock on the wall."""
        self.loop.notice(self.deliveries.list_due_endpoints(self.clock()))
        self.loop.start_due()
        while self.loop._tasks:
            await asyncio.wait(self.loop._tasks)
            await asyncio.sleep(0)
            if self.loop._failure is not None:
                raise self.loop._failure
            self.loop.start_due()


@asynccontextmanager
async def world(
    folder: Path, *, seconds: float = 10.0, in_all: int = 128, trust: ssl.SSLContext | None = None
) -> AsyncIterator[World]:
    store, resolver = Store(folder), SystemResolver()
    policy = AddressPolicy(allow_private=True)
    async with Attempts(policy, resolver, timeout=seconds, trust=trust) as attempts:
        try:
            yield World(store, attempts, in_all)
        finally:
            store.close()
            resolver.close()


async def test_what_is_delivered_is_signed_and_taken_once(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        made = there.happen(there.endpoint(receiver).endpoint.id, 20)
        await there.attempt_all()
        assert [there.state(one) for one in made] == [DeliveryState.DELIVERED] * 20
        assert sorted(receiver.ids) == sorted({f"evt_{n}" for n in range(1, 21)})
        assert receiver.forged == []
        sent = receiver.headers[0]
        assert sent["content-type"] == "application/json"
        assert sent["webhook-signature"].startswith("v1,")
        assert sent["user-agent"].startswith("Sayso/")


async def test_while_a_secret_is_replaced_both_are_valid(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        made = there.endpoint(receiver)
        new = there.endpoints.rotate(made.endpoint.id, there.clock(), timedelta(hours=1))
        old_one, new_one = made.secret.get_secret_value(), new.secret.get_secret_value()
        for known, hours, taken in [
            (old_one, 0, True), (new_one, 0, True), (old_one, 2, False), (new_one, 0, True),
        ]:  # fmt: skip
            there.clock.now += timedelta(hours=hours)
            receiver.secrets[:] = [known]
            delivery = there.happen(made.endpoint.id)[0]
            await there.attempt_all()
            assert (there.state(delivery) == DeliveryState.DELIVERED) == taken
        assert len(receiver.headers[0]["webhook-signature"].split()) == 2
        assert len(receiver.headers[-1]["webhook-signature"].split()) == 1
        Housekeeping(there.store, there.metrics).clean(there.clock())
        assert there.store.rows("SELECT old_secret FROM endpoints")[0][0] is None


def answer(status: int, **headers: str) -> Callable[[Taken], web.Response]:
    return lambda _event: web.Response(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


async def reset(event: Taken) -> web.Response:
    raise asyncio.CancelledError  # the connection breaks


@pytest.mark.parametrize(
    ("behave", "status", "problem"),
    [
        pytest.param(fail, 500, Problem.STATUS, id="500"),
        pytest.param(answer(404), 404, Problem.STATUS, id="404"),
        pytest.param(answer(429), 429, Problem.STATUS, id="429"),
        pytest.param(answer(304), 304, Problem.REDIRECT, id="not modified"),
        pytest.param(answer(302, Location="/other"), 302, Problem.REDIRECT, id="redirect"),
        pytest.param(answer(307, Location="/other"), 307, Problem.REDIRECT, id="kept method"),
        pytest.param(hang, None, Problem.TIMEOUT, id="hangs"),
        pytest.param(reset, None, Problem.NO_CONNECTION, id="breaks off"),
    ],
)
async def test_only_2xx_is_success(
    behave: Any, status: int | None, problem: Problem, tmp_path: Path
) -> None:
    async with world(tmp_path, seconds=0.5) as there, receiving() as receiver:
        receiver.behave = behave
        delivery = there.happen(there.endpoint(receiver).endpoint.id)[0]
        await there.attempt_all()
        found = there.deliveries.find(delivery)
        assert found is not None
        assert (found.state, found.failures) == (DeliveryState.PENDING, 1)
        assert (found.status, found.problem) == (status, problem)
        assert found.next_at == there.clock() + timedelta(seconds=PAUSES[0])
        assert [call.path for call in receiver.calls] == ["/hook"]
        receiver.behave = take
        there.clock.now += timedelta(seconds=PAUSES[0])
        await there.attempt_all()
        assert there.state(delivery) == DeliveryState.DELIVERED
        assert receiver.ids == ["evt_1", "evt_1"]


async def test_an_endpoint_that_asks_for_time_gets_it(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        receiver.behave = answer(503, Retry_After="600")
        delivery = there.happen(there.endpoint(receiver).endpoint.id)[0]
        await there.attempt_all()
        found = there.deliveries.find(delivery)
        assert found is not None
        assert found.next_at == there.clock() + timedelta(seconds=600)


async def test_of_an_endless_answer_little_is_read(tmp_path: Path) -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                written += 4096
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    async with world(tmp_path) as there:
        receiver = Receiver()
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        delivery = there.happen(there.endpoint(receiver).endpoint.id)[0]
        await there.attempt_all()
        assert there.state(delivery) == DeliveryState.DELIVERED  # the status line has said so
    server.close()
    assert written >= READ_AT_MOST


@pytest.mark.parametrize(
    "said", [b"HELLO\r\n\r\n", b"", b"HTTP/1.1 20x OK\r\n\r\n", b"\x16\x03\x01"]
)
async def test_what_is_no_http_is_a_failure(said: bytes, tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with world(tmp_path) as there:
        receiver = Receiver()
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        delivery = there.happen(there.endpoint(receiver).endpoint.id)[0]
        await there.attempt_all()
        found = there.deliveries.find(delivery)
        assert found is not None
        assert found.problem in (Problem.PROTOCOL, Problem.NO_CONNECTION)
    server.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 500 X\r\n", b"HTTP/1.1 204 \r\n"]
    ),
    lines=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [
                    b"Content-Length: -1",
                    b"Content-Length: 99999999999999999999",
                    b"Content-Length: 5\r\nContent-Length: 6",
                    b"Transfer-Encoding: chunked",
                    b"Content-Encoding: gzip",
                    b"Set-Cookie: a=b; Domain=\xff",
                    b"Retry-After: " + "\u0663".encode(),
                    b"Retry-After: -1",
                    b"Location: http://[",
                    b"X: " + b"y" * 10_000,
                ]
            ),
        ),
        max_size=4,
    ),
    rest=st.binary(max_size=200),
)
async def test_whatever_is_answered_the_process_goes_on(
    head: bytes, lines: list[bytes], rest: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\n".join([*lines, b"", b""]) + rest)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    resolver = SystemResolver()
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    policy = AddressPolicy(allow_private=True)
    with capture_logs() as logs:
        async with Attempts(policy, resolver, timeout=5) as attempts:
            answer = await attempts.make(url, (make_secret(),), a_delivery())
    resolver.close()
    server.close()
    assert answer.problem is not None or 200 <= (answer.status or 0) <= 299
    assert logs == [], "foreseen"


def a_delivery() -> Delivery:
    now, pending = datetime.now(UTC), DeliveryState.PENDING
    return Delivery(
        1,
        "ep_x",
        "evt_x",
        "reply.received",
        now,
        now,
        pending,
        0,
        now,
        None,
        None,
        None,
        None,
        b"{}",
    )


async def test_tls_is_checked_for_the_name(tmp_path: Path) -> None:
    ours, other = trustme.CA(), trustme.CA()
    trust = ssl.create_default_context()
    ours.configure_trust(trust)
    for issuer, name, problem in [
        (ours, "localhost", None),
        (ours, "other.example", Problem.TLS),
        (other, "localhost", Problem.TLS),
    ]:
        served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issuer.issue_cert(name).configure_cert(served)
        folder = tmp_path / f"{name}-{issuer is ours}"
        async with world(folder, trust=trust) as there, receiving(served) as receiver:
            delivery = there.happen(there.endpoint(receiver).endpoint.id)[0]
            await there.attempt_all()
            found = there.deliveries.find(delivery)
            assert found is not None
            assert found.problem == problem
            assert len(receiver.calls) == (problem is None)


async def test_three_days_and_it_is_given_up(tmp_path: Path) -> None:
    """Beside another that succeeds, so that the endpoint is not dead."""
    async with world(tmp_path) as there, receiving() as receiver:
        receiver.behave = lambda event: fail(event) if event.id == "evt_1" else take(event)
        began = there.clock()
        endpoint = there.endpoint(receiver).endpoint.id
        poisoned = there.happen(endpoint)[0]
        while there.state(poisoned) == DeliveryState.PENDING:
            await there.attempt_all()
            there.happen(endpoint)
            await there.attempt_all()
            found = there.deliveries.find(poisoned)
            assert found is not None
            if found.next_at is not None:
                there.clock.now = found.next_at
        assert receiver.ids.count("evt_1") == RETRIES + 1
        assert there.state(poisoned) == DeliveryState.FAILED
        assert timedelta(days=3) <= there.clock() - began < timedelta(days=3, hours=1)
        assert there.state_of(endpoint) == EndpointState.ACTIVE


async def test_a_dead_endpoint_is_paused_and_its_owner_told(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        receiver.behave = fail
        made = there.endpoint(receiver, url=receiver.url + "?token=hidden")
        endpoint = made.endpoint.id
        waiting = there.happen(endpoint, 3)
        began, attempts = there.clock(), 0
        with capture_logs() as logs:
            while there.state_of(endpoint) == EndpointState.ACTIVE:
                attempts += 1
                await there.attempt_all()
                there.clock.now += timedelta(hours=1)
        assert attempts >= DEAD_FAILURES
        assert there.clock() - began >= DEAD_AFTER
        [line] = [line for line in logs if line["event"] == "an endpoint is paused"]
        assert (line["endpoint"], line["state"]) == (endpoint, "dead")
        [mail] = there.store.rows("SELECT * FROM mails")
        assert mail["recipient"] == "it@acme.example"
        for secret in ("hidden", made.secret.get_secret_value()):
            assert secret not in mail["body"] + mail["subject"] + str(logs)

        calls = len(receiver.calls)  # what happens meanwhile waits
        waiting += there.happen(endpoint, 2)
        await there.attempt_all()
        assert len(receiver.calls) == calls
        Housekeeping(there.store, there.metrics).measure(there.clock())
        assert b'sayso_event_webhook_endpoints{state="dead"} 1.0' in there.metrics.text()

        receiver.behave = take
        there.endpoints.set_state(endpoint, EndpointState.ACTIVE)
        there.deliveries.hasten(endpoint, there.clock())
        await there.attempt_all()
        assert {there.state(one) for one in waiting} == {DeliveryState.DELIVERED}


async def test_one_attempt_before_and_after_a_night_off_proves_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        receiver.behave = fail
        endpoint = there.endpoint(receiver).endpoint.id
        there.happen(endpoint)
        await there.attempt_all()
        there.clock.now += timedelta(days=2)
        await there.attempt_all()
        assert there.state_of(endpoint) == EndpointState.ACTIVE


async def test_410_ends_it_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        receiver.behave = answer(410)
        endpoint = there.endpoint(receiver).endpoint.id
        there.happen(endpoint, 20)
        await there.attempt_all()
        assert there.state_of(endpoint) == EndpointState.GONE
        assert len(receiver.calls) <= PER_ENDPOINT
        assert len(there.store.rows("SELECT * FROM mails")) == 1


async def test_a_slow_endpoint_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """It hangs with all that it may have open, while another takes a hundred events."""
    at_most = PER_ENDPOINT + 2
    async with world(tmp_path, in_all=at_most) as there, receiving() as slow, receiving() as quick:
        slow.behave = hang
        there.happen(there.endpoint(slow).endpoint.id, 50)
        made = there.happen(there.endpoint(quick).endpoint.id, 100)
        stop = asyncio.Event()
        running = asyncio.create_task(there.loop.run(stop))
        await until(lambda: len(quick.calls) == 100)
        await until(lambda: {there.state(one) for one in made} == {DeliveryState.DELIVERED})
        assert slow.most_open == PER_ENDPOINT
        assert quick.most_open <= PER_ENDPOINT
        running.cancel()
        await asyncio.wait({running})
        for task in there.loop._tasks:
            task.cancel()


async def test_an_endpoint_that_fails_gets_one_attempt_at_a_time(tmp_path: Path) -> None:
    async with world(tmp_path, seconds=0.2) as there, receiving() as receiver:
        receiver.behave = hang
        endpoint = there.endpoint(receiver).endpoint.id
        there.happen(endpoint)
        await there.attempt_all()
        receiver.most_open = 0
        there.happen(endpoint, 5)
        await there.attempt_all()
        assert receiver.most_open == 1


async def test_stopping_lets_what_is_under_way_end(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def wait(event: Taken) -> web.Response:
            arrived.set()
            await go_on.wait()
            return take(event)

        receiver.behave = wait
        delivery = there.happen(there.endpoint(receiver).endpoint.id)[0]
        stop = asyncio.Event()
        running = asyncio.create_task(there.loop.run(stop))
        await arrived.wait()
        stop.set()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        await running
        assert there.state(delivery) == DeliveryState.DELIVERED


async def test_what_does_not_end_is_attempted_again_with_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_loop, "SETTLE", 0.05)
    async with receiving() as receiver:
        async with world(tmp_path) as there:
            receiver.behave = hang
            delivery = there.happen(there.endpoint(receiver).endpoint.id)[0]
            stop = asyncio.Event()
            running = asyncio.create_task(there.loop.run(stop))
            await until(lambda: receiver.calls)
            stop.set()
            await running
            assert there.state(delivery) == DeliveryState.PENDING
        receiver.behave = take
        async with world(tmp_path) as again:
            await again.attempt_all()
            assert again.state(delivery) == DeliveryState.DELIVERED
        assert set(receiver.ids) == {"evt_1"}


async def test_an_id_is_delivered_once_to_an_endpoint(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        made = there.endpoint(receiver).endpoint.id
        now = there.clock()
        first = there.deliveries.add(made, "evt_x", "reply.received", now, BODY, now)
        again = there.deliveries.add(made, "evt_x", "reply.received", now, BODY, now)
        assert first is not None
        assert again is None


async def test_old_deliveries_are_forgotten_and_paused_ones_given_up(tmp_path: Path) -> None:
    async with world(tmp_path) as there, receiving() as receiver:
        taken = there.endpoint(receiver).endpoint.id
        paused = there.endpoint(receiver).endpoint.id
        there.endpoints.set_state(paused, EndpointState.PAUSED)
        done, waiting = there.happen(taken)[0], there.happen(paused)[0]
        await there.attempt_all()
        keeper = Housekeeping(there.store, there.metrics)
        there.clock.now += KEPT - timedelta(hours=1)
        assert not keeper.clean(there.clock())
        there.clock.now += timedelta(hours=2)
        assert keeper.clean(there.clock())
        assert there.deliveries.find(done) is None
        found = there.deliveries.find(waiting)
        assert found is not None
        assert (found.state, found.problem) == (DeliveryState.FAILED, "paused_too_long")
