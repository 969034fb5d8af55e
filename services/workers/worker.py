"""Join a room to its broker, its settings and, for dispatch, its provider."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.topics import DEAD_LETTERS, EVERY_TOPIC
from services.providers import Provider, provider_from
from services.settings import ServiceSettings
from streams.apps import ROOMS
from streams.dispatch.calls import Answer, Post, Result
from streams.dispatch.spacing import Spacing
from streams.kit.broadcast import Broadcast
from streams.kit.host import Hooks, Host, Pace, Perform
from streams.kit.lease import Lease
from streams.kit.run import run
from streams.room import Room

BATCH = 400
"""Facts a transaction.  A STOP waits for the batches under way of all the lanes that share the process, and the gate
takes a tenth of a millisecond for a request: with 2,000 and a million unjudged it took eight seconds, with 400 one."""
QUIET = ("faust", "mode", "aiokafka", "twilio", "asyncio")


class CannotStart(Exception):
    """One sentence: what is missing, and what to do."""


async def work(
    name: str,
    settings: ServiceSettings,
    stop: asyncio.Event,
    *,
    instance: str | None = None,
    ready: Callable[[list[int]], None] = lambda partitions: None,
) -> None:
    """Raises CannotStart.  Any later fault ends the process with exit code 70."""
    if settings.bootstrap is None:
        raise CannotStart("SAYSO_BOOTSTRAP is not set: a worker needs to know its Kafka")
    for logger in QUIET:
        logging.getLogger(logger).setLevel(logging.ERROR)
    room = ROOMS[name]
    counts = await partition_counts(settings.bootstrap, room)
    broadcast = Broadcast(settings.bootstrap, fatal=_leave)
    await broadcast.start()
    provider = provider_from(settings) if room.opens else None
    perform = None if provider is None else performer(provider, settings.provider_concurrency)
    hooks = Hooks(settings=lambda: broadcast.current, perform=perform, ready=ready, fatal=_leave)
    pace = Pace(
        batch=BATCH,
        tick=settings.tick,
        session_timeout=settings.session_timeout,
        call_timeout=settings.provider_timeout,
        lease=settings.session_timeout / 2,
    )
    host = Host(room, settings.bootstrap, counts, hooks, pace=pace, instance=instance)
    try:
        await run(host, stop, patience=max(60.0, 4 * settings.session_timeout))
    finally:
        await broadcast.stop()
        if provider is not None:
            await provider.close()


def _leave(error: BaseException) -> None:
    os._exit(70)


def performer(provider: Provider, concurrency: int = 32) -> Perform:
    """Calls begin at the sender's pace on a monotonic clock, and only while the partition is surely ours.  No more than
    `concurrency` at a time: what waits for a free connection would wait behind the look at the lease."""
    spacing, free = Spacing(), asyncio.Semaphore(concurrency)

    async def perform(post: Post, lease: Lease) -> Answer:
        await asyncio.sleep(spacing.wait(post, time.monotonic()))
        async with free:
            if not lease.held:  # and again when there is a connection, right before the first byte
                return Answer(
                    tenant=post.tenant, message_id=post.message_id, attempt=post.attempt, sender=post.sender,
                    result=Result.UNSENT, code="lease_over",
                    detail="this worker could not be sure to own the sender still",
                )  # fmt: skip
            return await provider.send(post, lambda: lease.held)

    return perform


async def partition_counts(bootstrap: str, room: Room) -> dict[str, int]:
    """Raises CannotStart where topics are missing, or those of one room differ in their number of partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        described = await admin.describe_topics([topic.name for topic in EVERY_TOPIC])
    except (KafkaError, OSError) as error:
        raise CannotStart(f"Kafka at {bootstrap} does not answer: {error}") from None
    finally:
        await admin.close()
    counts = {topic["topic"]: len(topic["partitions"]) for topic in described if not topic["error_code"]}
    needed = [topic.name for topic in (*room.reads, room.rows, DEAD_LETTERS)]
    _all_there(needed, counts)
    lanes = {name: counts[name] for name in (*[topic.name for topic in room.reads], room.rows.name)}
    if len(set(lanes.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in lanes.items())
        raise CannotStart(f"the {room.name} room needs topics with equal numbers of partitions, but has {listed}")
    return counts


def _all_there(needed: Iterable[str], counts: dict[str, int]) -> None:
    missing = [name for name in needed if name not in counts]
    if missing:
        raise CannotStart(f"topics are missing ({', '.join(missing)}): run `sayso topics apply` first")
