"""The whole house in one place: broker, topics, settings, and every process, for as long as somebody wants it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from schemas.topics import SETTINGS
from services.kafka.security import security_options
from services.kafka.topics import apply
from services.ledger.ledger import FILE
from services.local import process_specs
from services.local.broker import BrokerError, EmbeddedBroker
from services.local.supervisor import PartFailed, Supervisor
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.topic_layout import choose_layout


class House(NamedTuple):
    bootstrap: str
    where: process_specs.Addresses
    failed: Callable[[], str | None]
    """Why the broker is gone, if it is: without it there is nothing to mend."""


class Wanted(NamedTuple):
    """`bootstrap` None: an embedded broker, thrown away at the end if `ephemeral`.  `script` and `seed` are the
    simulator's.  `fresh`: what an earlier run left in the folder is removed first.  `partitions` of topics that do not
    exist yet: at most so many workers share a processor."""

    state: Path
    bootstrap: str | None = None
    ephemeral: bool = False
    simulated: bool = True
    script: Path | None = None
    seed: int = 0
    fresh: bool = False
    partitions: int | None = None


@asynccontextmanager
async def house(wanted: Wanted, say: Callable[[str], None]) -> AsyncIterator[House]:
    """Stops everything in order at the end: the rooms first, so that no call to the provider is cut off; then the
    edges, the ledger, the broker.  Raises OperationError."""
    if not wanted.bootstrap and security_options():
        raise InvalidRequest(
            "SAYSO_KAFKA_SECURITY is for a Kafka of your own: name it with --bootstrap, or unset it"
        )
    lock = _claim(wanted.state)
    if wanted.fresh:
        _clear(wanted.state)
    where = process_specs.addresses(wanted.state, wanted.simulated)
    broker = None if wanted.bootstrap else EmbeddedBroker(wanted.state, wanted.ephemeral)
    supervisor = Supervisor(wanted.state, say)
    try:
        bootstrap = wanted.bootstrap or await _started(broker, say)
        layout = await choose_layout(
            bootstrap, embedded=broker is not None, partitions=wanted.partitions
        )
        await apply(bootstrap, partitions=layout.partitions, replication=layout.replication)
        if wanted.simulated:
            await _sample(bootstrap, say)
        told = process_specs.environment(bootstrap, wanted.state, where)
        say(
            "starting "
            + ("the provider simulator, " if wanted.simulated else "")
            + "the webhook and the consents API"
        )
        await supervisor.start(
            process_specs.edges(told, where, wanted.script, wanted.seed)
            + process_specs.ledger(told)
        )
        say(f"starting the rooms: {', '.join(process_specs.ROOMS)}")
        await supervisor.start(process_specs.rooms(told))
        yield House(
            bootstrap, where, lambda: str(broker.failure) if broker and broker.failure else None
        )
    except (BrokerError, PartFailed) as error:
        raise OperationFailed(str(error)) from None
    finally:
        await _end(supervisor, broker, say)
        os.close(lock)


def _claim(state: Path) -> int:
    """Held as long as this process lives, however it ends."""
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


def _clear(state: Path) -> None:
    for left in (*state.glob(FILE + "*"), *state.glob("logs/*.log"), state / "simulator.jsonl"):
        left.unlink(missing_ok=True)


async def _end(
    supervisor: Supervisor, broker: EmbeddedBroker | None, say: Callable[[str], None]
) -> None:
    if broker or supervisor.names:
        say(
            "stopping: rooms, simulator, webhook and consents, ledger"
            + (", broker" if broker else "")
        )
    await supervisor.stop(*process_specs.ROOMS)
    await supervisor.stop("simulator", "webhook", "consents")
    await supervisor.stop("ledger")
    supervisor.close()
    if broker:
        await asyncio.to_thread(broker.stop)


async def _started(broker: EmbeddedBroker | None, say: Callable[[str], None]) -> str:
    assert broker is not None
    say("starting Apache Kafka")
    starting = asyncio.create_task(asyncio.to_thread(broker.start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(
            BrokerError
        ):  # a thread cannot be interrupted, and half a start cannot be stopped
            await starting
        raise


async def _sample(bootstrap: str, say: Callable[[str], None]) -> None:
    """Something to try things with, where nobody has set anything up."""
    from services.ledger.topic_reader import open_reader
    from services.local.demo.sample import publish_sample

    async with open_reader(bootstrap, {SETTINGS.name}) as source:
        empty = not any((await source.ends()).values())
    if empty:
        say("no tenants yet: setting up the sample tenant")
        await publish_sample(bootstrap)
