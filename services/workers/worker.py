"""Join a room to its broker, its settings and, for dispatch, its provider."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from types import MappingProxyType
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from schemas.topics import SENDERS, SETTINGS
from services.failpoints import hit
from services.kafka.security import security_options, unreachable_message
from services.ports import CannotListen
from services.providers import Provider, provider_from
from services.settings import ServiceSettings
from services.workers.call_executor import CallExecutor
from services.workers.settings_reader import SettingsReader
from services.workers.stable_clock import StableClock
from services.workers.worker_metrics import WorkerMetrics
from streams.processing import Settings
from streams.processor import Processor
from streams.runtime.faust_app import FaustApp, Hooks, Pace
from streams.runtime.main import run
from streams.topology import PROCESSORS

BATCH = 400
"""Facts a transaction.  A STOP waits for the batches under way of all the lanes that share the process, and the gate
takes a tenth of a millisecond for a request: with 2,000 and a million unjudged it took eight seconds, with 400 one."""

NO_AUTH: Final[Mapping[str, Any]] = MappingProxyType({})


class CannotStart(Exception):
    """One sentence: what is missing, and what to do."""


async def work(
    name: str,
    settings: ServiceSettings,
    stop: asyncio.Event,
    *,
    instance: str | None = None,
    ready: Callable[[list[int]], None] = lambda partitions: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """`clock`: the machine's.  Raises CannotStart.  Any later fault ends the process with exit code 70."""
    if settings.bootstrap is None:
        raise CannotStart("SAYSO_BOOTSTRAP is not set: a worker needs to know its Kafka")
    room = PROCESSORS[name]
    auth = security_options(settings)
    counts = await partition_counts(settings.bootstrap, room, auth)
    broadcast = SettingsReader(settings.bootstrap, fatal=_leave, **auth)
    await broadcast.start()
    provider = provider_from(settings) if room.reports_acquired else None
    hooks = Hooks(
        settings=lambda: broadcast.current,
        on_ready=ready,
        clock=StableClock(clock),
        on_fatal=_leave,
    )
    if provider is not None:
        hooks = _with_effects(hooks, provider, settings, counts[room.inputs[0].name])
    observed = WorkerMetrics(name, settings)
    pace = Pace(
        batch_limit=BATCH,
        tick=settings.tick,
        session_timeout=settings.session_timeout,
        call_timeout=settings.provider_timeout,
        lease=settings.session_timeout / 2,
        dlq_share=settings.brake,
    )
    host = FaustApp(
        room,
        settings.bootstrap,
        counts,
        observed.hooks(hooks),
        limits=pace,
        instance=instance,
        accepted=settings.accept_loss,
        auth=auth,
    )
    try:
        async with observed.answering(host):
            await run(host, stop, patience=max(60.0, 4 * settings.session_timeout))
    except CannotListen as error:
        raise CannotStart(str(error)) from None
    finally:
        await broadcast.stop()
        if provider is not None:
            await provider.close()


def _with_effects(
    hooks: Hooks, provider: Provider, settings: ServiceSettings, partitions: int
) -> Hooks:
    """The fold is told how the account stands, and the account how much of it is ours."""
    perform = CallExecutor(
        provider, settings.provider_concurrency, timeout=settings.provider_timeout
    )
    known, ready = hooks.settings, hooks.on_ready

    def current() -> Settings:
        broadcast = known()
        return broadcast._replace(
            call_limits=perform.edge(datetime.fromtimestamp(hooks.clock(), UTC), broadcast.senders)
        )

    def owned(places: list[int]) -> None:
        perform.owns(_share(settings, len(places), partitions))
        ready(places)

    return replace(hooks, settings=current, execute_call=perform, on_ready=owned, on_failpoint=hit)


def _leave(error: BaseException) -> None:
    os._exit(70)


def _share(settings: ServiceSettings, owned: int, partitions: int) -> float:
    """Segments per second of the account that go with so many of its partitions."""
    return (
        inf if settings.account_pace is None else settings.account_pace * owned / partitions or 1e-9
    )


async def partition_counts(
    bootstrap: str, room: Processor, auth: Mapping[str, Any] = NO_AUTH
) -> dict[str, int]:
    """Raises CannotStart where topics are missing or closed to us, also those that a room would only publish to, or
    where the topics of one room differ in their number of partitions."""
    needed = sorted({topic.name for topic in (*room.inputs, *room.outputs, SETTINGS, SENDERS)})
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **auth)
    try:
        await admin.start()
        described = await admin.describe_topics(needed)
    except KafkaConnectionError:
        raise CannotStart(unreachable_message(bootstrap)) from None
    except (KafkaError, OSError) as error:
        raise CannotStart(f"Kafka at {bootstrap} does not answer: {error}") from None
    finally:
        await admin.close()
    if closed := [
        topic["topic"]
        for topic in described
        if topic["error_code"] == TopicAuthorizationFailedError.errno
    ]:
        raise CannotStart(
            f"Kafka keeps topics from the {room.name} worker ({', '.join(closed)}), or does not have "
            "them: see `sayso topics acls`"
        )
    counts = {
        topic["topic"]: len(topic["partitions"]) for topic in described if not topic["error_code"]
    }
    _all_there(needed, counts)
    lanes = {
        name: counts[name]
        for name in (*[topic.name for topic in room.inputs], room.state_topic.name)
    }
    if len(set(lanes.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in lanes.items())
        raise CannotStart(
            f"the {room.name} room needs topics with equal numbers of partitions, but has {listed}"
        )
    return counts


def _all_there(needed: Iterable[str], counts: dict[str, int]) -> None:
    missing = [name for name in needed if name not in counts]
    if missing:
        raise CannotStart(
            f"topics are missing ({', '.join(missing)}): run `sayso topics apply` first"
        )
