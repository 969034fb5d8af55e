"""An API with every example of every topic in its ledger, on a port of this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.catalog.examples import examples
from schemas.topics import Topic
from services.console.api.keys import HIGHEST_RATE
from services.console.api.scopes import Scope
from services.console.server import serve
from services.event_webhooks.deliveries import Deliveries
from services.event_webhooks.endpoints import Endpoints
from services.event_webhooks.store import Store
from services.ledger.ledger import FILE
from tests.adapters.ledger_filler import LedgerFiller, fill_ledger
from tests.console.harness import Harness, console_on

TENANT = "harbor-title"
ENDPOINT = "ep_world"
"""Of event webhooks. It has one delivery, which was given up."""


class World(NamedTuple):
    url: str
    key: str
    harness: Harness


def list_records() -> list[tuple[Topic[Any], Any]]:
    found = []
    for one in examples():
        try:
            found.append((one.topic, one.message))
        except ValidationError:  # what only dead letters hold
            continue
    return found


def add_endpoint(state: Path) -> int:
    """Returns the id of its delivery."""
    store, now = Store(state), datetime.now(UTC)
    Endpoints(store).add(
        TENANT,
        now,
        url="https://8.8.8.8/sayso",
        owner="it@harbor.example",
        events=("message.*",),
        about="",
        numbers=False,
        texts=False,
    )
    store.execute("UPDATE endpoints SET id = ?", ENDPOINT)
    deliveries = Deliveries(store)
    made = deliveries.add(ENDPOINT, "evt_1", "message.delivered", now, b"{}", now)
    assert made is not None
    deliveries.note_failure(made, 500, "status", now, None)
    store.close()
    return made


@contextmanager
def world_on(state: Path) -> Iterator[World]:
    """What is published goes into the ledger at once, as if its process had read it."""
    fill_ledger(state, *list_records())
    add_endpoint(state)
    fillers: list[LedgerFiller] = []
    with console_on(state) as harness:
        publish = harness.kafka.publish

        async def publish_and_fill(topic: Topic[Any], messages: Sequence[Any]) -> None:
            await publish(topic, messages)
            if not fillers:  # in the thread that uses it
                fillers.append(LedgerFiller(state / FILE))
                fillers[0].begin_at(10_000)
            for message in messages:
                fillers[0].add(topic, message)

        harness.kafka.publish = publish_and_fill  # type: ignore[method-assign]
        made = harness.api.keys.add(
            TENANT, "world", harness.console.clock(), scopes=tuple(Scope), rate=HIGHEST_RATE
        )
        with serve_in_thread(harness, fillers) as url:
            yield World(url, made.written, harness)


@contextmanager
def serve_in_thread(harness: Harness, fillers: list[LedgerFiller], port: int = 0) -> Iterator[str]:
    """On a loop of its own, in a thread: generators of calls have no loop."""
    ready = threading.Event()
    found: dict[str, Any] = {}

    async def run() -> None:
        stop = asyncio.Event()
        found["stop"] = lambda: loop.call_soon_threadsafe(stop.set)
        loop = asyncio.get_running_loop()
        async with serve(harness.app, "127.0.0.1", port, grace=1) as (host, chosen):
            found["url"] = f"http://{host}:{chosen}"
            ready.set()
            await stop.wait()
        for filler in fillers:
            filler.ledger.close()
        await harness.api.idempotency.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(30)
    try:
        yield found["url"]
    finally:
        end: Callable[[], None] = found["stop"]
        end()
        thread.join(30)
