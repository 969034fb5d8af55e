"""Attempt what is due, many at a time, and write what came of it.

Theory of operation

At most `IN_ALL` attempts are under way, and of one endpoint at most `PER_ENDPOINT`; of one whose
last attempt failed only one.  So an endpoint that hangs has one connection, and the others go on.
Endpoints take turns.  An attempt under way is known to this process alone: if it dies, the delivery
is still pending in the file, and is attempted again with the same id."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import structlog

from services.event_webhooks.attempt import Answer, Attempts, Problem
from services.event_webhooks.deliveries import Deliveries, Delivery
from services.event_webhooks.endpoints import Endpoint, Endpoints, EndpointState
from services.event_webhooks.owner_mail import OwnerMails
from services.event_webhooks.retry_schedule import choose_pause
from services.event_webhooks.store import Store
from services.observability.registry import MetricRegistry

IN_ALL: Final = 200
PER_ENDPOINT: Final = 10
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what has come due, and at what commands have changed."""
SETTLE: Final = 5.0
"""Seconds that attempts under way get to end, when we stop."""
US: Final = "event-webhooks"
"""Who did it, where nobody did."""

log = structlog.get_logger("sayso.event_webhooks")


def read_clock() -> datetime:
    return datetime.now(UTC)


class DeliveryLoop:
    def __init__(
        self,
        store: Store,
        attempts: Attempts,
        metrics: MetricRegistry,
        *,
        in_all: int = IN_ALL,
        clock: Callable[[], datetime] = read_clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance`: between 0 and 1, for the jitter."""
        self._store = store
        self._endpoints = Endpoints(store)
        self._deliveries = Deliveries(store)
        self._mails = OwnerMails(store)
        self._attempts = attempts
        self._metrics = metrics
        self._in_all = in_all
        self._clock = clock
        self._chance = chance
        self._turns: dict[str, None] = {}
        """Endpoints that may have something due, in the order of their turns."""
        self._open = defaultdict[str, set[int]](set)
        """Deliveries under way, by endpoint."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._woken = asyncio.Event()

    def notice(self, endpoints: Iterable[str]) -> None:
        """They have something due."""
        self._turns |= dict.fromkeys(endpoints)
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Raises StoreError, and whatever nobody has foreseen."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self.notice(self._deliveries.list_due_endpoints(self._clock()))
                await self._work_for_a_while(stopping)
        finally:
            stopping.cancel()
            await self._settle()

    async def _work_for_a_while(self, stopping: asyncio.Task[object]) -> None:
        """Until it is time to look again."""
        loop = asyncio.get_running_loop()
        end = loop.time() + LOOK_EVERY
        while not stopping.done() and (left := end - loop.time()) > 0:
            self._woken.clear()
            self.start_due()
            waking = asyncio.create_task(self._woken.wait())
            await asyncio.wait(
                {waking, stopping}, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            waking.cancel()
            if self._failure is not None:
                raise self._failure

    def start_due(self) -> None:
        """As many attempts as may be under way, one of each endpoint in turn."""
        now = self._clock()
        due: dict[str, list[Delivery]] = {}
        endpoints: dict[str, Endpoint] = {}
        for identity in list(self._turns):
            endpoint = self._endpoints.find(identity)
            room = self._find_room(endpoint)
            if endpoint is None or room <= 0:
                del self._turns[identity]  # an attempt that ends gives it a turn again
                continue
            endpoints[identity] = endpoint
            due[identity] = self._deliveries.list_due(identity, now, room, self._open[identity])
        while any(due.values()) and len(self._tasks) < self._in_all:
            for identity, waiting in due.items():
                if waiting and len(self._tasks) < self._in_all:
                    self._start(endpoints[identity], waiting.pop(0))
        self._turns = {identity: None for identity, waiting in due.items() if waiting}

    def _find_room(self, endpoint: Endpoint | None) -> int:
        if endpoint is None or endpoint.state != EndpointState.ACTIVE:
            return 0
        most = 1 if endpoint.failures else PER_ENDPOINT
        return most - len(self._open[endpoint.id])

    def _start(self, endpoint: Endpoint, delivery: Delivery) -> None:
        self._open[endpoint.id].add(delivery.id)
        task = asyncio.create_task(self._finish(endpoint, delivery))
        self._tasks.add(task)
        task.add_done_callback(self._drop_task)

    def _drop_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failure = self._failure or error
        self._woken.set()

    async def _finish(self, endpoint: Endpoint, delivery: Delivery) -> None:
        try:
            secrets = endpoint.valid_secrets(self._clock())
            answer = await self._attempts.make(endpoint.url, secrets, delivery)
            self._record(endpoint, delivery, answer)
        finally:
            self._open[endpoint.id].discard(delivery.id)
            self._turns[endpoint.id] = None

    def _record(self, endpoint: Endpoint, delivery: Delivery, answer: Answer) -> None:
        """What came of it, in one transaction."""
        now = self._clock()
        with self._store.transaction():
            if answer.problem is None and answer.status is not None:
                self._deliveries.note_delivered(delivery.id, answer.status, now)
                self._endpoints.note_success(endpoint.id, now)
            else:
                self._record_failure(endpoint, delivery, answer, now)
        self._metrics.count(
            "sayso_event_webhook_attempts_total", result=answer.problem or "delivered"
        )

    def _record_failure(
        self, endpoint: Endpoint, delivery: Delivery, answer: Answer, now: datetime
    ) -> None:
        problem = answer.problem or Problem.PROTOCOL
        pause = choose_pause(delivery.failures + 1, self._chance(), answer.retry_after)
        self._deliveries.note_failure(delivery.id, answer.status, problem, now, pause)
        is_dead = self._endpoints.note_failure(endpoint.id, now)
        fresh = self._endpoints.find(endpoint.id)
        if fresh is None or fresh.state != EndpointState.ACTIVE:
            return
        if pause is None:
            log.error("a delivery is given up", endpoint=endpoint.id, delivery=delivery.id)
        if answer.is_gone:
            self._end(fresh, EndpointState.GONE, answer, now)
        elif is_dead:
            self._end(fresh, EndpointState.DEAD, answer, now)

    def _end(self, endpoint: Endpoint, state: EndpointState, answer: Answer, now: datetime) -> None:
        """Its owner is told, and whoever reads logs and metrics."""
        waiting = self._deliveries.count(endpoint.id)["pending"]
        self._mails.add(endpoint, state, answer, waiting, now)
        self._endpoints.set_state(endpoint.id, state)
        self._endpoints.record_change(
            endpoint, US, state, now, status=answer.status, problem=answer.problem
        )
        log.error(
            "an endpoint is paused",
            endpoint=endpoint.id,
            tenant=endpoint.tenant,
            state=str(state),
            problem=answer.problem,
            status=answer.status,
        )

    async def _settle(self) -> None:
        """What does not end in time is attempted again at the next start, with the same id."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=SETTLE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
