"""The whole path: real processes, webhook and simulator, from the request's publication to the
final outcome.

A flood: all requests are there at once.  The rate is taken until the last outcome was written.
The CPU is counted until the ledger is quiet, so that those who gather (usage, the ledger) cannot
leave their share behind.

Before issue 11 a reader of every outcome said when to stop.  Its fetches cost the broker a
little.  What usage and the ledger did after the last outcome was left out: about 0.2 s of CPU a
run, so figures of then are that much too low."""

from __future__ import annotations

import time
import uuid
from typing import NamedTuple

from schemas.topics import OUTCOMES, SEND_REQUESTS
from tests.bench import people
from tests.bench.gate import tell
from tests.bench.ledger_watch import watch_ledger
from tests.bench.stack import PARTITIONS, stack
from tests.bench.watch import Progress, everything, unseen


class Flowed(NamedTuple):
    """`spent`: CPU seconds by process."""

    seconds: float
    messages: int
    spent: dict[str, float]

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


async def one_run(
    bootstrap: str, count: int, broker: int | None, progress: Progress = unseen
) -> Flowed:
    """`broker`: its process, if it is ours to measure.  Raises InUse, Refused or Stuck."""
    async with stack(bootstrap, broker) as up, watch_ledger(up) as kept:
        began, before = time.time(), kept.meter()
        await tell(
            bootstrap, SEND_REQUESTS, people.requests(count, uuid.uuid4().hex[:8]), PARTITIONS
        )
        await kept.until_quiet(count, progress)
        ended = max(
            record.timestamp / 1000
            for record in await everything(bootstrap, OUTCOMES.name, PARTITIONS)
        )
        return Flowed(ended - began, count, since(before, kept.spent))


def since(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
