"""The exporter: what the broker and the ledger know and no worker can say of itself, looked at again and again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from services.ledger.dead_letters import count_dead_letters
from services.ledger.ledger import FILE, Ledger, LedgerError
from services.ledger.usage import count_by_state, count_requested
from services.ledger.waiting import list_waiting
from services.observability.following import Following
from services.observability.lag import Report, Watch
from services.observability.lag.watch import LagError
from services.observability.meters import Meters
from services.observability.metrics import EXPORTER
from streams.lifecycle import reconcile_states
from streams.topology import PROCESSORS

EVERY: Final = 5.0
"""Seconds between two looks at the broker."""
BOOKS: Final = 30.0
"""Seconds between two looks at the books, which cost more."""

log = structlog.get_logger("sayso.exporter")


class Exporter:
    """`state`: the folder of a ledger that somebody keeps up; without one the books are left out."""

    def __init__(self, bootstrap: str, state: Path) -> None:
        self.meters = Meters(EXPORTER)
        self._bootstrap, self._state = bootstrap, state
        self._groups = {
            f"sayso.{room.name}": [topic.name for topic in room.inputs]
            for room in PROCESSORS.values()
        }
        self._up = False
        self._booked = float("-inf")
        self._following = Following()

    def ready(self) -> dict[str, bool]:
        return {"looked": self._up}

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with Watch(self._bootstrap, self._groups) as watch:
                    while not stop.is_set():
                        await self._look(watch)
                        await _pause(stop, EVERY)
            except LagError as error:
                self._told(False)
                log.warning("could not look", problem=str(error))
                await _pause(stop, EVERY)

    async def _look(self, watch: Watch) -> None:
        began = time.monotonic()
        found = await watch.look()
        tell_lag(self.meters, found)
        if began - self._booked >= BOOKS:
            self._booked = began
            await asyncio.to_thread(self._books, found)
        self.meters.set("sayso_exporter_seconds", time.monotonic() - began)
        self._told(True)

    def _told(self, up: bool) -> None:
        self._up = up
        self.meters.set("sayso_exporter_up", up)

    def _books(self, found: Report) -> None:
        try:
            ledger = Ledger.open(self._state / FILE, existing=True)
        except LedgerError:
            return
        try:
            tell_books(self.meters, ledger)
            stands = self._following.stands(ledger.positions(), found, time.monotonic())
            self.meters.set("sayso_ledger_stands_seconds", stands)
        finally:
            ledger.close()


def tell_lag(meters: Meters, found: Report) -> None:
    """All of it anew: a partition that is gone is no longer told."""
    meters.clear(
        *(metric.name for metric in EXPORTER if metric.name.startswith(("kafka_", "sayso_lag_")))
    )
    sums: defaultdict[tuple[str, ...], int] = defaultdict(int)
    worst: dict[str, tuple[int, float]] = dict.fromkeys(found.states, (0, 0.0))
    verdicts: Counter[tuple[str, str]] = Counter()
    for line in found.lines:
        place = {"group": line.group, "topic": line.topic, "partition": str(line.partition)}
        meters.set("kafka_consumergroup_group_lag", line.lag, **place)
        meters.set("kafka_consumergroup_group_lag_seconds", line.seconds, **place)
        if line.committed is not None:
            meters.set("kafka_consumergroup_group_offset", line.committed, **place)
        at = {"topic": line.topic, "partition": str(line.partition)}
        meters.set("kafka_partition_latest_offset", line.end, **at)
        meters.set("kafka_partition_earliest_offset", line.start, **at)
        sums[line.group, line.topic] += line.lag
        sums[line.group,] += line.lag
        most, longest = worst.get(line.group, (0, 0.0))
        worst[line.group] = max(most, line.lag), max(longest, line.seconds)
        verdicts[line.group, line.verdict] += 1
    for (group, verdict), count in verdicts.items():
        meters.set("sayso_lag_verdict", count, group=group, verdict=verdict)
    for group, (most, longest) in worst.items():
        meters.set("kafka_consumergroup_group_max_lag", most, group=group)
        meters.set("kafka_consumergroup_group_max_lag_seconds", longest, group=group)
    _tell_sums(meters, sums, found.states)


def _tell_sums(
    meters: Meters, sums: Mapping[tuple[str, ...], int], states: Mapping[str, str]
) -> None:
    for key, lag in sums.items():
        if len(key) == 1:
            meters.set("kafka_consumergroup_group_sum_lag", lag, group=key[0])
        else:
            meters.set("kafka_consumergroup_group_topic_sum_lag", lag, group=key[0], topic=key[1])
    for group, state in states.items():
        meters.set("kafka_consumergroup_group_state", 1, group=group, state=state)


def tell_books(meters: Meters, ledger: Ledger) -> None:
    now = datetime.now(UTC)
    lines = list_waiting(ledger, now=now.timestamp())
    meters.clear(
        "sayso_waiting_messages",
        "sayso_waiting_oldest_seconds",
        "sayso_stuck_messages",
        "sayso_balance_residue",
        "sayso_open_dead_letters",
    )
    for cause in {line.cause for line in lines}:
        of_it = [line for line in lines if line.cause == cause]
        oldest = min(line.since for line in of_it)
        meters.set("sayso_waiting_messages", sum(line.messages for line in of_it), cause=cause)
        meters.set("sayso_waiting_oldest_seconds", (now - oldest).total_seconds(), cause=cause)
        meters.set("sayso_stuck_messages", sum(line.stuck for line in of_it), cause=cause)
    for row in ledger.rows("SELECT tenant FROM tenants"):
        books = reconcile_states(
            count_requested(ledger, row["tenant"]), count_by_state(ledger, row["tenant"])
        )
        meters.set("sayso_balance_residue", books.unaccounted, tenant=row["tenant"])
    for topic, cause, still, _ in count_dead_letters(ledger):
        meters.set("sayso_open_dead_letters", still, topic=topic, cause=cause)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
