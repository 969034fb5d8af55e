"""The whole path at an even, moderate load: a flood makes large batches, and hides what small
ones cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from aiokafka import ConsumerRecord

from schemas.topics import OUTCOMES
from services.kafka.publisher import Publisher
from tests.bench.ledger_watch import watch_ledger
from tests.bench.stack import PARTITIONS, stack
from tests.bench.watch import Progress, everything, unseen
from tests.bench.whole import since
from tests.soak.load import Load

RATE: Final = 50.0
"""Messages a second."""
BEAT: Final = 0.05
"""Seconds between two handfuls of two or three."""
WARM: Final = 10.0
"""Seconds of the same load before anything is counted, or as many as are measured if those are
fewer."""


class Steadied(NamedTuple):
    """`spent`: CPU seconds by process, from the first request until the ledger was quiet again.
    `soon`: seconds from each request to the outcome that says that it was delivered."""

    messages: int
    spent: dict[str, float]
    soon: list[float]


async def one_run(
    bootstrap: str, seconds: float, broker: int | None, progress: Progress = unseen
) -> Steadied:
    """One producer, of this process, whose CPU is nobody's: it is there before and after.
    Raises InUse, Refused or Stuck."""
    async with stack(bootstrap, broker) as up, watch_ledger(up) as kept:
        publisher = Publisher(bootstrap, source="bench", timeout=60)
        try:
            load = Load(publisher, up.ledger)
            await load.steady(RATE, min(WARM, seconds), BEAT)
            await kept.until_quiet(load.asked)
            warm, began, before = load.asked, datetime.now(UTC), kept.meter()
            await load.steady(RATE, seconds, BEAT)
            await kept.until_quiet(load.asked, lambda done: progress(max(0, done - warm)))
        finally:
            await publisher.stop()
        soon = delays(await everything(bootstrap, OUTCOMES.name, PARTITIONS), began)
        return Steadied(load.asked - warm, since(before, kept.spent), soon)


def delays(outcomes: Iterable[ConsumerRecord], began: datetime) -> list[float]:
    """Of what was asked for since then; of each text its first outcome that says `delivered`."""
    found: dict[str, float] = {}
    for record in outcomes:
        told = OUTCOMES.decode(record.value)
        if told.state == "delivered" and told.requested_at >= began:
            found.setdefault(
                told.message_id, record.timestamp / 1000 - told.requested_at.timestamp()
            )
    return list(found.values())
