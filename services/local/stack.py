"""All of Sayso on one machine, for as long as somebody wants it.

That is a broker, topics, settings and every process.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import SENDERS, SETTINGS, TEMPLATES
from services.kafka.publisher import Publisher
from services.kafka.security import security_options
from services.kafka.topic_health import watch_health
from services.kafka.topics import apply
from services.ledger.ledger import FILE
from services.ledger.topic_reader import open_reader
from services.local import process_specs
from services.local.broker import (
    BrokerError,
    EmbeddedBroker,
    EmbeddedCluster,
    count_kept_brokers,
)
from services.local.mail_catcher.store import FOLDER as MAILS
from services.local.mail_catcher.store import SUFFIX
from services.local.supervisor import ProcessFailed, Supervisor
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.tenants import BY_START, Published, build_versions
from services.operations.topics import choose_layout
from services.operations.yaml_settings import read_settings

SAMPLE: Final = Path(__file__).with_name("sample.yaml")
"""A tenant and a sender, to try things with."""

Broker = EmbeddedBroker | EmbeddedCluster
RESTART_AFTER: Final = 5.0
"""Seconds between two looks whether all brokers of a cluster live."""

Say = Callable[[str], None]
"""Tells a person, in one sentence, what goes on."""


class StackOptions(NamedTuple):
    state: Path
    bootstrap: str | None = None
    """None: an embedded broker."""
    ephemeral: bool = False
    """The embedded broker's data is deleted at the end."""
    simulated: bool = True
    """The provider is the simulator."""
    script: Path | None = None
    """The simulator's."""
    seed: int = 0
    """The simulator's."""
    fresh: bool = False
    """What an earlier run left in the folder is removed first."""
    partitions: int | None = None
    """Of topics that do not exist yet. At most so many workers can share a processor."""
    brokers: int | None = None
    """How many embedded ones. None: as many as have data in the folder, or one."""


class Stack(NamedTuple):
    bootstrap: str
    addresses: process_specs.Addresses
    broker_failure: Callable[[], str | None]
    """Why the embedded broker is gone, if it is. Without it nothing can go on."""


@asynccontextmanager
async def run_stack(options: StackOptions, say: Say) -> AsyncIterator[Stack]:
    """Start everything, and stop it in order at the end. Raises OperationError.

    The processors stop first, so that no call to the provider is cut off. Then come the edges, the
    ledger, the broker.
    """
    if not options.bootstrap and security_options():
        raise InvalidRequest(
            "SAYSO_KAFKA_SECURITY is for a Kafka of your own: name it with --bootstrap, or unset it"
        )
    lock = _lock_state(options.state)
    if options.fresh:
        _remove_leftovers(options.state)
    addresses = process_specs.choose_addresses(options.state, options.simulated, options.ephemeral)
    try:
        broker = None if options.bootstrap else _choose_broker(options)
    except InvalidRequest:
        os.close(lock)
        raise
    supervisor = Supervisor(options.state, say)
    try:
        bootstrap = options.bootstrap or await _start_broker(broker, say)
        await _prepare_topics(bootstrap, options, embedded=broker is not None, say=say)
        environment = process_specs.build_environment(bootstrap, options.state, addresses)
        simulator = "the provider simulator, " if options.simulated else ""
        say(f"starting {simulator}the webhook, the console, mails to staff and event webhooks")
        edges = process_specs.edge_specs(environment, addresses, options.script, options.seed)
        readers = (process_specs.ledger_spec, process_specs.event_webhooks_spec)
        await supervisor.start([*edges, *(spec(environment) for spec in readers)])
        say(f"starting the processors: {', '.join(process_specs.PROCESSORS)}")
        await supervisor.start(process_specs.processor_specs(environment))
        keeper, watcher = None, None
        if isinstance(broker, EmbeddedCluster):
            keeper = asyncio.create_task(_keep_brokers(broker, say), name="keep brokers")
        if not isinstance(broker, EmbeddedBroker):
            watcher = asyncio.create_task(watch_health(bootstrap, say), name="watch brokers")
        try:
            yield Stack(bootstrap, addresses, lambda: _describe_failure(broker, keeper))
        finally:
            await _end(keeper, watcher)
    except (BrokerError, ProcessFailed) as error:
        raise OperationFailed(str(error)) from None
    finally:
        await _stop(supervisor, broker, say)
        os.close(lock)


def _lock_state(state: Path) -> int:
    """A lock that is held as long as this process lives, however it ends."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InvalidRequest(f"--state {state} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise OperationFailed(
            f"Sayso already runs in {state}: stop that one first, or give another --state"
        ) from None
    return lock


def _remove_leftovers(state: Path) -> None:
    old = (FILE + "*", "logs/*.log", "simulator.jsonl", f"{MAILS}/*{SUFFIX}")
    for file in (file for pattern in old for file in state.glob(pattern)):
        file.unlink(missing_ok=True)


def _choose_broker(options: StackOptions) -> Broker:
    """Raises InvalidRequest."""
    kept = 0 if options.ephemeral else count_kept_brokers(options.state)
    brokers = options.brokers or kept or 1
    if brokers == 2:
        raise InvalidRequest(
            "Two brokers are worse than one: neither may fail", "give --brokers 3, or none"
        )
    if kept and brokers != kept:
        raise InvalidRequest(
            f"{options.state} holds the data of {kept} broker{'s' if kept > 1 else ''}",
            "leave --brokers out, or give another --state",
        )
    if brokers == 1:
        return EmbeddedBroker(options.state, options.ephemeral)
    return EmbeddedCluster(options.state, brokers, ephemeral=options.ephemeral)


async def _keep_brokers(cluster: EmbeddedCluster, say: Say) -> None:
    """Brokers that end are started again, as the processes are: the others go on meanwhile.

    Ends with BrokerError if one cannot be started."""
    while True:
        await asyncio.sleep(RESTART_AFTER)
        for number in await asyncio.to_thread(cluster.start_dead):
            say(f"broker {number} ended and was started again")


async def _start_broker(broker: Broker | None, say: Say) -> str:
    assert broker is not None
    several = f", {len(broker.brokers)} brokers" if isinstance(broker, EmbeddedCluster) else ""
    say(f"starting Apache Kafka{several}")
    starting = asyncio.create_task(asyncio.to_thread(broker.start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # a thread cannot be interrupted, and half a start cannot be stopped
        with suppress(BrokerError):
            await starting
        raise


async def _prepare_topics(
    bootstrap: str, options: StackOptions, *, embedded: bool, say: Say
) -> None:
    layout = await choose_layout(bootstrap, embedded=embedded, partitions=options.partitions)
    await apply(bootstrap, partitions=layout.partitions, replication=layout.replication)
    if not options.simulated:
        return
    async with open_reader(bootstrap, {SETTINGS.name}) as source:
        is_empty = not any((await source.ends()).values())
    if is_empty:
        say("no tenants yet: setting up the sample tenant")
        await publish_sample(bootstrap)


async def publish_sample(bootstrap: str) -> None:
    publisher = Publisher(bootstrap, source="cli")
    try:
        await publisher.publish_all(SENDERS, read_settings(SAMPLE, "senders", Sender))
        tenants = read_settings(SAMPLE, "tenants", TenantSettings)
        versions = build_versions(tenants, Published(), BY_START, datetime.now(UTC))
        await publisher.publish_all(TEMPLATES, versions)
        await publisher.publish_all(SETTINGS, tenants)
    finally:
        await publisher.stop()


def _describe_failure(broker: Broker | None, keeper: asyncio.Task[None] | None) -> str | None:
    """Of a cluster: that a broker of it cannot be started."""
    if keeper is not None:
        return str(keeper.exception()) if keeper.done() else None
    return str(broker.failure) if broker and broker.failure else None


async def _end(*tasks: asyncio.Task[None] | None) -> None:
    for task in tasks:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, BrokerError):
                await task


async def _stop(supervisor: Supervisor, broker: Broker | None, say: Say) -> None:
    if broker or supervisor.names:
        last = ", broker" if broker else ""
        say(f"stopping: processors, simulator, webhook, console, ledger{last}")
    await supervisor.stop(*process_specs.PROCESSORS)
    await supervisor.stop("simulator", "webhook", "console", "notify", "event-webhooks")
    await supervisor.stop("mail-catcher")
    await supervisor.stop("ledger")
    await supervisor.close()
    if broker:
        await asyncio.to_thread(broker.stop)
