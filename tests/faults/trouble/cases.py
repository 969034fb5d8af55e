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
from tests.faults.trouble.faulty_worker import ILLNESS
from tests.faults.trouble.gate_worker import FAULTY, PROCESSOR, SESSION, GateWorker

POISON: Final = 1200
"""Records, of which no more than half may be unreadable."""


class StagedFault(NamedTuple):
    """`ought`: words of each thing that is said, in order; `run`: what was said.  `cheap`: for
    `make test`."""

    name: str
    words: str
    run: Callable[[GateWorker], Awaitable[list[str]]]
    ought: tuple[str, ...]
    cheap: bool = False

    def right(self, said: list[str]) -> bool:
        return len(said) == len(self.ought) and all(
            words in one for words, one in zip(self.ought, said, strict=True)
        )


async def stopped(worker: GateWorker) -> list[str]:
    await worker.start()
    os.kill(worker.pid, signal.SIGSTOP)
    await worker.ask(40)
    at_first = await worker.lag()
    await asyncio.sleep(SESSION)
    later = await worker.lag()
    os.kill(worker.pid, signal.SIGCONT)
    return [at_first, later, await worker.lag_is("OK")]


async def slow(worker: GateWorker) -> list[str]:
    await worker.start(FAULTY, **{ILLNESS: "slow"})
    asking = asyncio.create_task(_all_the_time(worker))
    try:
        await asyncio.sleep(2)
        return [await worker.lag()]
    finally:
        asking.cancel()


async def _all_the_time(worker: GateWorker) -> None:
    """Five times what a slow worker can do."""
    while True:
        await worker.ask(50)
        await asyncio.sleep(0.2)


async def burst(worker: GateWorker) -> list[str]:
    await worker.start()
    await worker.ask(20_000)
    return [await worker.lag()]


async def dead(worker: GateWorker) -> list[str]:
    await worker.start()
    await worker.supervisor.stop()
    await worker.ask(40)
    await asyncio.sleep(
        SESSION
    )  # it did not leave the group: whoever takes its place is to find its partitions
    return [await worker.lag()]


async def retention(worker: GateWorker) -> list[str]:
    """The worker is away while it happens."""
    await worker.start()
    await worker.ask(40)
    await worker.lag_is("OK")
    await worker.supervisor.stop()
    await worker.ask(400)
    async with admin_client(worker.bootstrap) as client:
        await client.delete_records(
            {TopicPartition(SEND_REQUESTS.name, 0): RecordsToDelete(before_offset=60)}
        )
    said = await worker.lag_is("STOPPED", partition=0)
    try:
        await worker.start()
    except ProcessFailed as refused:
        return [said, str(refused)]
    return [said, "the worker went on"]


async def poison(worker: GateWorker) -> list[str]:
    """A partition of four; requests of the others go on."""
    await worker.start()
    await worker.ask(40)
    await worker.lag_is("OK")
    async with AIOKafkaProducer(bootstrap_servers=worker.bootstrap) as producer:
        for _ in range(POISON):
            await producer.send(SEND_REQUESTS.name, b"not a request", partition=0)
    said = await worker.lag_is("STALLED", partition=0)
    pid = worker.pid
    await worker.ask(40)
    others = [await worker.lag_is("OK", partition=partition) for partition in (1, 2, 3)]
    same = "the worker is the same" if worker.pid == pid else "the worker was started again"
    logged = next((line for line in worker.log.splitlines() if "stands still" in line), "nothing")
    return [said, logged, *others, same]


async def hung(worker: GateWorker) -> list[str]:
    """One partition of four waits for ever; the others go on."""
    once = worker.folder / "hang"
    await worker.start(FAULTY, **{ILLNESS: str(once)})
    once.touch()
    await worker.ask(40)
    await worker.until(lambda: not once.exists())
    await worker.ask(40)
    verdict = await worker.lag()
    await worker.until(lambda: f"{PROCESSOR} is back" in worker.sentences)
    restart = [worker.supervised("again in 1 s"), worker.supervised("is back")]
    return [verdict, _sentence(worker, "Stalled"), *restart, await worker.lag_is("OK")]


def _sentence(worker: GateWorker, kind: str) -> str:
    """What a worker's log says of its end."""
    return next(
        (line.split(f"{kind}: ")[1] for line in worker.log.splitlines() if f"{kind}: " in line),
        "nothing",
    )


STAGED_FAULTS: Final = (
    StagedFault(
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
    StagedFault(
        "slow",
        "each record costs 20 ms, and five times as many come",
        slow,
        ("WARN: more comes in than goes out",),
    ),
    StagedFault("burst", "20,000 records at once", burst, ("OK",)),
    StagedFault(
        "dead",
        "the worker has ended and its session run out, 40 records come",
        dead,
        ("STOPPED: no worker of this processor is running",),
    ),
    StagedFault(
        "retention",
        "retention passes the offset of a worker that has ended; it is started again",
        retention,
        (
            "STOPPED: retention or a deletion has taken up to",
            "gate did not start: the gate worker stops: DataLoss: sms.send-requests partition 0 begins at 60",
        ),
    ),
    StagedFault(
        "poison",
        f"{POISON:,} records that nobody can read",
        poison,
        (
            "STALLED: stands still at",
            "could not be read or placed, the first at",
            "OK",
            "OK",
            "OK",
            "the worker is the same",
        ),
    ),
    StagedFault(
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
