"""The same flood for 1, 2 and 4 workers of each processor: what is gained, what it costs, and
whether everything is still counted once.

`python -m tests.bench.scaling` prints a table. It has a broker, a provider simulator and workers of
its own, on one machine: where two cores are busy with one worker each, more of them show only what
sharing costs. What a worker spends a message tells what machines of their own would give."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from schemas.send_request import SendRequest
from schemas.sender import Sender, SenderKind
from schemas.topics import SEND_REQUESTS, SENDERS
from tests import journal_report
from tests.bench.process import cpu_seconds
from tests.faults.harness import texts
from tests.faults.harness.stack import PROCESSORS, FaultStack, start_stack

WORKERS: Final = (1, 2, 4)
"""Of each processor; there are four partitions."""
MANY: Final = tuple(f"73{n:03}" for n in range(32))
"""Senders, so that every worker of dispatch has some."""
FINAL: Final = {"delivered", "undelivered", "sent"}
PATIENCE: Final = 120.0
"""Seconds without an outcome after which it is stuck."""


class Scaled(NamedTuple):
    workers: int
    messages: int
    seconds: float
    cpu_ms: dict[str, float]
    """Milliseconds of CPU a message, of all workers of a processor."""
    lost: int
    twice: int
    joined_seconds: float
    """From the start of the other workers until every one is ready and owns its share."""

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


async def run_with(workers: int, messages: int, folder: Path) -> Scaled:
    """Raises TimeoutError if it is stuck."""
    async with start_stack(folder, seed=1, call_timeout=10.0) as house:
        senders = [
            Sender(sender=name, kind=SenderKind.SHORT_CODE, pace=1_000_000, owner="harbor")
            for name in MANY
        ]
        await texts.publish_confirmed(house.publisher, senders, SENDERS)
        joined = await _join(house, workers)
        await asyncio.sleep(2)
        before = _spent(house)
        began = time.time()
        await texts.publish_confirmed(house.publisher, _requests(messages), SEND_REQUESTS)
        ended = await _until_final(house, messages)
        spent = _spent(house)
        calls = journal_report.read_calls(house.where.journal)
        accepted = journal_report.group_accepted(calls)
        return Scaled(
            workers,
            messages,
            ended - began,
            {name: 1000 * (spent[name] - before[name]) / messages for name in PROCESSORS},
            messages - len(accepted),
            sum(len(times) - 1 for times in accepted.values()),
            joined,
        )


async def _join(house: FaultStack, workers: int) -> float:
    began = time.monotonic()
    for processor in PROCESSORS:
        for number in range(1, workers):
            house.pool.join(processor, f"{processor}-{number}")
    await house.pool.until_ready()
    return time.monotonic() - began


def _spent(house: FaultStack) -> dict[str, float]:
    """CPU seconds by processor."""
    found: dict[str, float] = dict.fromkeys(PROCESSORS, 0.0)
    for name, worker in house.pool.workers.items():
        if worker.pid is not None:
            found[name.partition("-")[0]] += cpu_seconds(worker.pid) or 0.0
    return found


def _requests(count: int) -> list[SendRequest]:
    """Each number knows one sender."""
    rng = random.Random(1)
    made = []
    for n in range(count):
        to = rng.randrange(len(texts.NUMBERS))
        request = SendRequest(
            message_id=f"scale-{n}",
            tenant=texts.TENANT.tenant,
            to=texts.NUMBERS[to],
            sender=MANY[to % len(MANY)],
            body=f"Text {n}. Your appointment is on Tuesday at 9.",
            kind="transactional",
            requested_at=datetime.now(UTC),
            requested_by="bench",
        )
        made.append(request)
    return made


async def _until_final(house: FaultStack, messages: int) -> float:
    """When the last outcome came, in seconds since 1970."""
    while True:
        await asyncio.sleep(0.2)
        found = [one["state"] for one in house.watch.outcomes.values()]
        if len(found) >= messages and set(found) <= FINAL:
            return time.time() - (time.monotonic() - house.watch.moved)
        if time.monotonic() - house.watch.moved > PATIENCE:
            raise TimeoutError(f"only {len(found)} of {messages} messages, {Counter(found)}")


def draw(rows: list[Scaled]) -> Table:
    table = Table(title="Workers of each processor, the same flood", title_justify="left")
    for heading in ("workers", "messages/s", "against 1", *PROCESSORS, "join s", "lost", "twice"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            str(row.workers),
            f"{row.rate:,.0f}",
            f"{row.rate / rows[0].rate:.2f}",
            *(f"{row.cpu_ms[name]:.2f}" for name in PROCESSORS),
            f"{row.joined_seconds:.1f}",
            str(row.lost),
            str(row.twice),
        )
    return table


async def _measure(messages: int, say: Console) -> list[Scaled]:
    rows = []
    for workers in WORKERS:
        say.print(f"{messages:,} messages for {workers} workers of each processor")
        with tempfile.TemporaryDirectory(prefix="sayso-scaling-") as folder:
            rows.append(await run_with(workers, messages, Path(folder)))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scaling", description=__doc__)
    parser.add_argument("--messages", type=int, default=6000)
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args()
    rows = asyncio.run(_measure(given.messages, Console(stderr=True)))
    if given.json:
        print(json.dumps([row._asdict() for row in rows]))
    else:
        Console().print(draw(rows))
    return int(any(row.lost or row.twice for row in rows))


if __name__ == "__main__":
    sys.exit(main())
