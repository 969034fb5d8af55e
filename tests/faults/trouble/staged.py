"""What is staged, and what ought to be said about it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from schemas.topics import SEND_REQUESTS
from services.kafka.admin import admin_client
from services.local.supervisor import ProcessFailed
from tests.faults.trouble.scene import ROOM, SESSION, SICK, Scene
from tests.faults.trouble.sick import ILLNESS

POISON: Final = 1200
"""Records, of which no more than half may be unreadable."""


class Trouble(NamedTuple):
    """`ought`: words of each thing that is said, in order; `play`: what was said.  `cheap`: for
    `make test`."""

    name: str
    words: str
    play: Callable[[Scene], Awaitable[list[str]]]
    ought: tuple[str, ...]
    cheap: bool = False

    def right(self, said: list[str]) -> bool:
        return len(said) == len(self.ought) and all(
            words in one for words, one in zip(self.ought, said, strict=True)
        )


async def stopped(scene: Scene) -> list[str]:
    await scene.start()
    os.kill(scene.pid, signal.SIGSTOP)
    await scene.ask(40)
    at_first = await scene.lag()
    await asyncio.sleep(SESSION)
    later = await scene.lag()
    os.kill(scene.pid, signal.SIGCONT)
    return [at_first, later, await scene.lag_is("OK")]


async def slow(scene: Scene) -> list[str]:
    await scene.start(SICK, **{ILLNESS: "slow"})
    asking = asyncio.create_task(_all_the_time(scene))
    try:
        await asyncio.sleep(2)
        return [await scene.lag()]
    finally:
        asking.cancel()


async def _all_the_time(scene: Scene) -> None:
    """Five times what a slow worker can do."""
    while True:
        await scene.ask(50)
        await asyncio.sleep(0.2)


async def burst(scene: Scene) -> list[str]:
    await scene.start()
    await scene.ask(20_000)
    return [await scene.lag()]


async def dead(scene: Scene) -> list[str]:
    await scene.start()
    await scene.supervisor.stop()
    await scene.ask(40)
    await asyncio.sleep(
        SESSION
    )  # it did not leave the group: whoever takes its place is to find its partitions
    return [await scene.lag()]


async def retention(scene: Scene) -> list[str]:
    """The worker is away while it happens."""
    await scene.start()
    await scene.ask(40)
    await scene.lag_is("OK")
    await scene.supervisor.stop()
    await scene.ask(400)
    async with admin_client(scene.bootstrap) as client:
        await client.delete_records(
            {TopicPartition(SEND_REQUESTS.name, 0): RecordsToDelete(before_offset=60)}
        )
    said = await scene.lag_is("STOPPED", partition=0)
    try:
        await scene.start()
    except ProcessFailed as refused:
        return [said, str(refused)]
    return [said, "the worker went on"]


async def poison(scene: Scene) -> list[str]:
    await scene.start()
    async with AIOKafkaProducer(bootstrap_servers=scene.bootstrap) as producer:
        for _ in range(POISON):
            await producer.send(SEND_REQUESTS.name, b"not a request", partition=0)
    await scene.until(lambda: "again in 2 s" in " ".join(scene.heard))
    return [
        scene.supervised("again in 1 s"),
        _sentence(scene, "DlqLimitExceeded"),
        scene.supervised("again in 2 s"),
    ]


async def hung(scene: Scene) -> list[str]:
    """One partition of four waits for ever; the others go on."""
    once = scene.folder / "hang"
    await scene.start(SICK, **{ILLNESS: str(once)})
    once.touch()
    await scene.ask(40)
    await scene.until(lambda: not once.exists())
    await scene.ask(40)
    said = await scene.lag()
    await scene.until(lambda: f"{ROOM} is back" in scene.heard)
    told = [scene.supervised("again in 1 s"), scene.supervised("is back")]
    return [said, _sentence(scene, "Stalled"), *told, await scene.lag_is("OK")]


def _sentence(scene: Scene, kind: str) -> str:
    """What a worker's log says of its end."""
    return next(
        (line.split(f"{kind}: ")[1] for line in scene.log.splitlines() if f"{kind}: " in line),
        "nothing",
    )


TROUBLES: Final = (
    Trouble(
        "stopped",
        "the worker is stopped (SIGSTOP), 40 records come; its session runs out; it goes on (SIGCONT)",
        stopped,
        (
            "STALLED: its worker does not move",
            "STOPPED: no worker of this processor is running",
            "OK",
        ),
        True,
    ),
    Trouble(
        "slow",
        "each record costs 20 ms, and five times as many come",
        slow,
        ("WARN: more comes in than goes out",),
    ),
    Trouble("burst", "20,000 records at once", burst, ("OK",)),
    Trouble(
        "dead",
        "the worker has ended and its session run out, 40 records come",
        dead,
        ("STOPPED: no worker of this processor is running",),
    ),
    Trouble(
        "retention",
        "retention passes the offset of a worker that has ended; it is started again",
        retention,
        (
            "STOPPED: retention or a deletion has taken up to",
            "gate did not start: the gate worker stops: DataLoss: sms.send-requests partition 0 begins at 60",
        ),
    ),
    Trouble(
        "poison",
        f"{POISON:,} records that nobody can read",
        poison,
        (
            "and is started again in 1 s",
            "the brake allows 50%: stop their producer",
            "and is started again in 2 s",
        ),
        True,
    ),
    Trouble(
        "hung",
        "a commit on one partition never ends, and more records come",
        hung,
        (
            "STALLED: its worker does not move",
            "has something to read, and for 8 s nothing moved",
            "and is started again in 1 s",
            "gate is back",
            "OK",
        ),
    ),
)
