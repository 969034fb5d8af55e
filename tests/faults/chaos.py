"""Run counting workers through random faults, and read what came of it.

The reader shares no code with the runtime: it reads the topics as any outsider would, committed
records only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.faults import counting
from tests.read_committed import records

PARTITIONS = 4
KEYS = [f"k{n}" for n in range(40)]


async def make_topics(bootstrap: str, prefix: str, partitions: int = PARTITIONS) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        wanted = {
            name: n
            for name, n in counting.counts(prefix, partitions).items()
            if name not in existing
        }
        compact = {"cleanup.policy": "compact"}
        await admin.create_topics(
            [
                NewTopic(name, n, 1, topic_configs=compact if name.endswith(".rows") else {})
                for name, n in wanted.items()
            ]
        )
    finally:
        await admin.close()


@dataclass
class Workers:
    """Replicas of the counting processor; each has a stable instance name, as a supervisor would give
    it."""

    bootstrap: str
    prefix: str
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)

    async def start(self, instance: str) -> None:
        self.running[instance] = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.faults.counting",
            "--bootstrap",
            self.bootstrap,
            "--prefix",
            self.prefix,
            "--partitions",
            str(PARTITIONS),
            "--instance",
            instance,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def ready(self, instance: str) -> None:
        """It says so at each assignment."""
        said = self.running[instance].stdout
        assert said is not None
        assert (await said.readline()).startswith(b"ready"), f"{instance} has ended"

    def signal(self, instance: str, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.running[instance].send_signal(number)
            self.faults[number.name] += 1

    async def revive(self) -> None:
        """As a supervisor does: whoever ended is started again."""
        for instance, process in list(self.running.items()):
            if process.returncode is not None:
                self.faults[f"exit {process.returncode}"] += 1
                await self.start(instance)

    async def end(self) -> None:
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
        await asyncio.gather(*[process.wait() for process in self.running.values()])

    async def one_fault(self, what: str, rng: random.Random) -> None:
        instance = rng.choice(sorted(self.running))
        match what:
            case "kill":
                self.signal(instance, signal.SIGKILL)
            case "term":
                self.signal(instance, signal.SIGTERM)
            case "join":
                await self.start(f"w{len(self.running)}")
                self.faults["join"] += 1
            case (
                "nap" | "sleep"
            ):  # within the session's time-out of two seconds, or past it: a zombie
                self.signal(instance, signal.SIGSTOP)
                await asyncio.sleep(
                    rng.uniform(0.2, 1.0) if what == "nap" else rng.uniform(3.5, 5.0)
                )
                self.signal(instance, signal.SIGCONT)


async def restart_each(workers: Workers, names: tuple[str, ...]) -> None:
    """As an upgrade goes: each ends by itself and is started again, and the next one follows
    once it is ready."""
    for name in names:
        await asyncio.sleep(1)
        workers.signal(name, signal.SIGTERM)
        await workers.running[name].wait()
        await workers.revive()
        await workers.ready(name)


FAULTS = ["kill"] * 5 + ["sleep"] * 3 + ["nap"] * 2 + ["term"] * 2 + ["join"] * 2


async def publish(bootstrap: str, prefix: str, seconds: float, rate: int) -> dict[str, list[int]]:
    """Events per key, numbered from 1; every tenth goes to the `first` topic."""
    topics, sent = counting.topics(prefix), defaultdict(list)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    rng = random.Random(7)
    futures: list[Any] = []
    while loop.time() < end:
        for _ in range(rate // 20):
            key = rng.choice(KEYS)
            i = len(sent[key]) + 1
            sent[key].append(i)
            topic = topics["first" if i % 10 == 0 else "then"].name
            value = json.dumps({"key": key, "i": i}).encode()
            futures.append(await producer.send(topic, key=key.encode(), value=value))
        await asyncio.sleep(0.05)
    await asyncio.gather(*futures)
    await producer.stop()
    return dict(sent)


async def longest_wait(bootstrap: str, prefix: str) -> float:
    """Seconds from an event to what came of it."""
    topics, asked = counting.topics(prefix), dict[Any, int]()
    for name in ("first", "then"):
        for record in await records(bootstrap, topics[name].name):
            said = json.loads(record.value)
            asked[said["key"], said["i"]] = record.timestamp
    counted = await records(bootstrap, topics["counted"].name)
    told = [(json.loads(record.value), record.timestamp) for record in counted]
    return max(at - asked[said["key"], abs(said["i"])] for said, at in told) / 1000


async def wait_for_counts(
    bootstrap: str, prefix: str, total: int, patience: float = 90
) -> list[dict[str, Any]]:
    """The counted outputs, once there are as many as events, or after `patience` seconds what
    there is."""
    topic = counting.topics(prefix)["counted"].name
    end = asyncio.get_running_loop().time() + patience
    while True:
        found = [json.loads(record.value) for record in await records(bootstrap, topic)]
        if len(found) >= total or asyncio.get_running_loop().time() > end:
            return found
        await asyncio.sleep(0.5)
