"""Connect a processor to its broker, its settings and, for dispatch, its provider."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from types import MappingProxyType
from typing import Any, Final

from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from schemas.topics import SENDERS, SETTINGS
from services.failpoints import hit
from services.kafka.admin import AdminClient
from services.kafka.security import security_options, unreachable_message
from services.kafka.settings_reader import SettingsReader
from services.ports import CannotListen
from services.providers import Provider, provider_from
from services.settings import ServiceSettings
from services.workers.call_executor import CallExecutor
from services.workers.stable_clock import StableClock
from services.workers.worker_metrics import WorkerMetrics
from streams.processing import Settings
from streams.processor import Processor
from streams.runtime.faust_app import FaustApp
from streams.runtime.main import run
from streams.runtime.runner import Hooks
from streams.runtime.timing import RuntimeLimits
from streams.topology import PROCESSORS

BATCH_LIMIT = 400
"""Records in a transaction. A STOP waits for the current batches of all partitions in the process,
and the gate takes a tenth of a millisecond for a request: with 2,000 and a million requests waiting
it took eight seconds, with 400 one."""
EXIT_FAULT: Final = 70
"""The exit code of a worker that met a fault; it is to be started again."""

NO_AUTH: Final[Mapping[str, Any]] = MappingProxyType({})


class CannotStart(Exception):
    """One sentence: what is missing, and what to do."""


async def run_worker(
    name: str,
    settings: ServiceSettings,
    stop: asyncio.Event,
    *,
    instance: str | None = None,
    on_ready: Callable[[list[int]], None] = lambda partitions: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """`clock`: the machine's. Raises CannotStart or SettingsError. Any later fault ends the process
    (EXIT_FAULT)."""
    bootstrap = settings.required_bootstrap
    processor = PROCESSORS[name]
    auth = security_options(settings)
    counts = await count_partitions(bootstrap, processor, auth)
    reader = SettingsReader(bootstrap, on_fatal=_exit, **auth)
    await reader.start()
    provider = provider_from(settings) if processor.reports_acquired else None
    hooks = Hooks(
        settings=lambda: reader.current,
        on_ready=on_ready,
        clock=StableClock(clock),
        on_fatal=_exit,
        on_failpoint=hit,
    )
    if provider is not None:
        partitions = counts[processor.inputs[0].name]
        hooks = _add_provider(hooks, provider, settings, partitions)
    metrics = WorkerMetrics(name, settings)
    limits = RuntimeLimits(
        batch_limit=BATCH_LIMIT,
        tick=settings.tick,
        session_timeout=settings.session_timeout,
        call_timeout=settings.provider_timeout,
        lease=settings.session_timeout / 2,
        dlq_share=settings.brake,
        accepted_standstills=settings.accept_dead_letters,
    )
    app = FaustApp(
        processor,
        bootstrap,
        counts,
        metrics.add_to(hooks),
        limits=limits,
        instance=instance,
        accepted=settings.accept_loss,
        auth=auth,
    )
    try:
        async with metrics.serve(app):
            await run(app, stop, patience=max(60.0, 4 * settings.session_timeout))
    except CannotListen as error:
        raise CannotStart(str(error)) from None
    finally:
        await reader.stop()
        if provider is not None:
            await provider.close()


def _add_provider(
    hooks: Hooks, provider: Provider, settings: ServiceSettings, partitions: int
) -> Hooks:
    """Dispatch learns what the account allows, and the account how much of it belongs to this
    process."""
    executor = CallExecutor(
        provider, settings.provider_concurrency, timeout=settings.provider_timeout
    )

    def current_settings() -> Settings:
        known = hooks.settings()
        now = datetime.fromtimestamp(hooks.clock(), UTC)
        return known._replace(
            call_limits=executor.call_limits(now, known.senders),
            account_error=executor.account_error(now),
        )

    def on_ready(owned: list[int]) -> None:
        executor.set_share(_share_of(settings.account_pace, len(owned), partitions))
        hooks.on_ready(owned)

    return replace(
        hooks,
        settings=current_settings,
        execute_call=executor,
        on_ready=on_ready,
    )


def _share_of(account_pace: float | None, owned: int, partitions: int) -> float:
    """Segments a second of the account that go with the owned partitions; never 0, which nothing
    can be divided by."""
    return inf if account_pace is None else account_pace * owned / partitions or 1e-9


def _exit(error: BaseException) -> None:
    os._exit(EXIT_FAULT)


async def count_partitions(
    bootstrap: str, processor: Processor, auth: Mapping[str, Any] = NO_AUTH
) -> dict[str, int]:
    """By topic. Raises CannotStart if a topic that is read or published to is missing or closed to
    us, or if those that are read differ in their number of partitions."""
    needed = sorted(
        {topic.name for topic in (*processor.inputs, *processor.outputs, SETTINGS, SENDERS)}
    )
    described = await _describe_topics(bootstrap, needed, auth)
    closed = [
        topic["topic"]
        for topic in described
        if topic["error_code"] == TopicAuthorizationFailedError.errno
    ]
    if closed:
        raise CannotStart(
            f"Kafka keeps topics from the {processor.name} worker ({', '.join(closed)}), or does "
            "not have them: see `sayso topics acls`"
        )
    counts = {
        topic["topic"]: len(topic["partitions"]) for topic in described if not topic["error_code"]
    }
    missing = [name for name in needed if name not in counts]
    if missing:
        raise CannotStart(
            f"topics are missing ({', '.join(missing)}): run `sayso topics apply` first"
        )
    read = {topic.name: counts[topic.name] for topic in (*processor.inputs, processor.state_topic)}
    if len(set(read.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in read.items())
        raise CannotStart(
            f"the {processor.name} processor needs topics with equal numbers of partitions, but "
            f"has {listed}"
        )
    return counts


async def _describe_topics(
    bootstrap: str, names: list[str], auth: Mapping[str, Any]
) -> list[dict[str, Any]]:
    admin = AdminClient(bootstrap_servers=bootstrap, **auth)
    try:
        await admin.start()
        described: list[dict[str, Any]] = await admin.describe_topics(names)
    except KafkaConnectionError:
        raise CannotStart(unreachable_message(bootstrap)) from None
    except (KafkaError, OSError) as error:
        raise CannotStart(f"Kafka at {bootstrap} does not answer: {error}") from None
    finally:
        await admin.close()
    return described
