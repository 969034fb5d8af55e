"""The whole house in one place: broker, topics, settings, and every process, for as long as somebody wants it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from services.broker import BrokerError, EmbeddedBroker
from services.broker.topics import apply
from services.cli import parts
from services.cli.refused import Refused
from services.cli.supervisor import PartFailed, Supervisor
from services.cli.topics import ELSEWHERE, EMBEDDED


class House(NamedTuple):
    bootstrap: str
    where: parts.Addresses
    pids: Callable[[], dict[str, int]]


class Wanted(NamedTuple):
    """`bootstrap` None: an embedded broker, thrown away at the end if `ephemeral`.  `script` and `seed` are the
    simulator's."""

    state: Path
    bootstrap: str | None = None
    ephemeral: bool = False
    simulated: bool = True
    script: Path | None = None
    seed: int = 0


@asynccontextmanager
async def house(wanted: Wanted, say: Callable[[str], None]) -> AsyncIterator[House]:
    """Stops everything in order at the end: the rooms first, so that no call to the provider is cut off; then the
    edges, the ledger, the broker.  Raises Refused."""
    wanted.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    where = parts.addresses(wanted.state, wanted.simulated)
    broker = None if wanted.bootstrap else EmbeddedBroker(wanted.state, wanted.ephemeral)
    supervisor = Supervisor(wanted.state, say)
    try:
        bootstrap = wanted.bootstrap or await _started(broker, say)
        await _topics(bootstrap, EMBEDDED if broker else ELSEWHERE)
        if wanted.simulated:
            await _sample(bootstrap, say)
        told = parts.environment(bootstrap, wanted.state, where)
        say("starting the provider simulator and the webhook" if wanted.simulated else "starting the webhook")
        await supervisor.start(parts.edges(told, where, wanted.script, wanted.seed) + parts.ledger(told))
        say(f"starting the rooms: {', '.join(parts.ROOMS)}")
        await supervisor.start(parts.rooms(told))
        yield House(bootstrap, where, supervisor.pids)
    except (BrokerError, PartFailed) as error:
        raise Refused(str(error), 1) from None
    finally:
        await _end(supervisor, broker, say)


async def _end(supervisor: Supervisor, broker: EmbeddedBroker | None, say: Callable[[str], None]) -> None:
    say("stopping: rooms, simulator and webhook, ledger, broker")
    await supervisor.stop(*parts.ROOMS)
    await supervisor.stop("simulator", "webhook")
    await supervisor.stop("ledger")
    supervisor.close()
    if broker:
        await asyncio.to_thread(broker.stop)


async def _started(broker: EmbeddedBroker | None, say: Callable[[str], None]) -> str:
    assert broker is not None
    say("starting Apache Kafka")
    return await asyncio.to_thread(broker.start)


async def _topics(bootstrap: str, usual: tuple[int, int]) -> None:
    partitions = int(os.environ.get("SAYSO_PARTITIONS") or usual[0])
    replication = int(os.environ.get("SAYSO_REPLICATION") or usual[1])
    await apply(bootstrap, partitions=partitions, replication=replication)


async def _sample(bootstrap: str, say: Callable[[str], None]) -> None:
    """Something to try things with, where nobody has set anything up."""
    from services.demo.sample import publish_sample
    from services.ledger.source import reading

    async with reading(bootstrap, {"sms.settings"}) as source:
        empty = not any((await source.ends()).values())
    if empty:
        say("no tenants yet: setting up the sample tenant")
        await publish_sample(bootstrap)
