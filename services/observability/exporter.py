"""The exporter: metrics of what the broker and the ledger know, and no worker can tell about
itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from services.kafka import BrokerError
from services.kafka.topic_health import Health, describe_health, read_topic_health
from services.kafka.topics import MAIL_GROUP
from services.ledger.dead_letters import count_dead_letters
from services.ledger.ledger import Ledger, LedgerError
from services.ledger.location import Location
from services.ledger.projection import Partition
from services.ledger.questions import measure_questions
from services.ledger.usage import count_by_state, count_requested
from services.ledger.waiting import list_waiting
from services.observability.lag_monitor import LagError, LagMonitor, list_read_topics
from services.observability.lag_report import LagReport, Verdict
from services.observability.metrics import EXPORTER
from services.observability.registry import MetricRegistry
from streams.lifecycle import reconcile_states

EVERY: Final = 5.0
"""Seconds between two samples of the broker."""
COPIES_EVERY: Final = 15.0
"""Seconds between two questions for copies in sync."""
LEDGER_EVERY: Final = 30.0
"""Seconds between two queries of the ledger, which cost more."""

log = structlog.get_logger("sayso.exporter")


class Exporter:
    def __init__(self, bootstrap: str, ledger: Location) -> None:
        """Where there is no `ledger`, its metrics are left out."""
        self.metrics = MetricRegistry(EXPORTER)
        self._bootstrap = bootstrap
        self._location = ledger
        self._groups = list_read_topics()
        self._up = False
        self._ledger_read_at = float("-inf")
        self._ledger_lag = LedgerLag()

    def ready(self) -> dict[str, bool]:
        return {"looked": self._up}

    async def run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._watch_copies(stop))
            both.create_task(self._watch_lag(stop))

    async def _watch_copies(self, stop: asyncio.Event) -> None:
        """Apart from lag, which cannot be asked for while brokers are away."""
        while not stop.is_set():
            try:
                health = await read_topic_health(self._bootstrap)
            except (BrokerError, KafkaError, OSError) as error:
                log.warning("could not ask the brokers", problem=str(error))
            else:
                set_health(self.metrics, health)
                for sentence in describe_health(health):
                    log.warning("brokers are not well", problem=sentence)
            await _pause(stop, COPIES_EVERY)

    async def _watch_lag(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with LagMonitor(self._bootstrap, self._groups, {MAIL_GROUP}) as monitor:
                    while not stop.is_set():
                        await self._sample(monitor)
                        await _pause(stop, EVERY)
            except LagError as error:
                self._set_up(False)
                log.warning("could not look", problem=str(error))
                await _pause(stop, EVERY)

    async def _sample(self, monitor: LagMonitor) -> None:
        began = time.monotonic()
        report = await monitor.take_sample()
        set_lag(self.metrics, report)
        if began - self._ledger_read_at >= LEDGER_EVERY:
            self._ledger_read_at = began
            await asyncio.to_thread(self._read_ledger, report)
        self.metrics.set("sayso_exporter_seconds", time.monotonic() - began)
        self._set_up(True)

    def _set_up(self, up: bool) -> None:
        self._up = up
        self.metrics.set("sayso_exporter_up", up)

    def _read_ledger(self, report: LagReport) -> None:
        try:
            ledger = Ledger.open(self._location, existing=True)
        except LedgerError:
            return
        try:
            set_ledger_metrics(self.metrics, ledger)
            stalled = self._ledger_lag.measure_stall(ledger.positions(), report, time.monotonic())
            self.metrics.set("sayso_ledger_stands_seconds", stalled)
        finally:
            ledger.close()


class LedgerLag:
    """Whether the ledger follows the topics: `sayso waiting`, `sayso balance` and some alerts know
    only what it has."""

    def __init__(self) -> None:
        self._reached: Mapping[Partition, int] | None = None
        self._since = 0.0
        """When it was seen there first, in seconds on the caller's clock."""

    def measure_stall(
        self, reached: Mapping[Partition, int], report: LagReport, now: float
    ) -> float:
        """For how many seconds it has had something to read and has not moved. Call it at every
        sample.

        The ends are those of the topics that processors read: a ledger that does not run is soon
        behind in these.
        """
        behind = any(
            reached.get(Partition(line.topic, line.partition), line.start) < line.end
            for line in report.lines
        )
        if not behind or self._reached != reached:
            self._reached = dict(reached)
            self._since = now
        return now - self._since


def set_health(metrics: MetricRegistry, health: Health) -> None:
    parts = health.cluster.partitions
    metrics.set("sayso_silent_brokers", len(health.cluster.silent))
    metrics.set(
        "sayso_under_replicated_partitions", sum(part.is_under_replicated for part in parts)
    )
    metrics.set("sayso_below_min_insync_partitions", len(health.below_min_insync))


def set_lag(metrics: MetricRegistry, report: LagReport) -> None:
    """All values are set again, so that a partition that is gone disappears."""
    metrics.clear(
        *(metric.name for metric in EXPORTER if metric.name.startswith(("kafka_", "sayso_lag_")))
    )
    of_group: defaultdict[str, int] = defaultdict(int)
    of_topic: defaultdict[tuple[str, str], int] = defaultdict(int)
    worst: dict[str, tuple[int, float]] = dict.fromkeys(report.states, (0, 0.0))
    verdicts: Counter[tuple[str, Verdict]] = Counter()
    for line in report.lines:
        at = {"topic": line.topic, "partition": str(line.partition)}
        metrics.set("kafka_consumergroup_group_lag", line.lag, group=line.group, **at)
        metrics.set("kafka_consumergroup_group_lag_seconds", line.seconds, group=line.group, **at)
        if line.committed is not None:
            metrics.set("kafka_consumergroup_group_offset", line.committed, group=line.group, **at)
        metrics.set("kafka_partition_latest_offset", line.end, **at)
        metrics.set("kafka_partition_earliest_offset", line.start, **at)
        of_group[line.group] += line.lag
        of_topic[line.group, line.topic] += line.lag
        most, longest = worst.get(line.group, (0, 0.0))
        worst[line.group] = max(most, line.lag), max(longest, line.seconds)
        verdicts[line.group, line.verdict] += 1
    for (group, verdict), count in verdicts.items():
        metrics.set("sayso_lag_verdict", count, group=group, verdict=verdict)
    for group, (most, longest) in worst.items():
        metrics.set("kafka_consumergroup_group_max_lag", most, group=group)
        metrics.set("kafka_consumergroup_group_max_lag_seconds", longest, group=group)
    for group, lag in of_group.items():
        metrics.set("kafka_consumergroup_group_sum_lag", lag, group=group)
    for (group, topic), lag in of_topic.items():
        metrics.set("kafka_consumergroup_group_topic_sum_lag", lag, group=group, topic=topic)
    for group, state in report.states.items():
        metrics.set("kafka_consumergroup_group_state", 1, group=group, state=state)


def set_ledger_metrics(metrics: MetricRegistry, ledger: Ledger) -> None:
    """What waits, what is unaccounted for, and open dead letters."""
    now = datetime.now(UTC)
    lines = list_waiting(ledger, now=now.timestamp())
    metrics.clear(
        "sayso_waiting_messages",
        "sayso_waiting_oldest_seconds",
        "sayso_stuck_messages",
        "sayso_balance_residue",
        "sayso_open_dead_letters",
    )
    for cause in {line.cause for line in lines}:
        group = [line for line in lines if line.cause == cause]
        oldest = min(line.since for line in group)
        metrics.set("sayso_waiting_messages", sum(line.messages for line in group), cause=cause)
        metrics.set("sayso_waiting_oldest_seconds", (now - oldest).total_seconds(), cause=cause)
        metrics.set("sayso_stuck_messages", sum(line.stuck for line in group), cause=cause)
    for row in ledger.rows("SELECT tenant FROM tenants"):
        tenant = row["tenant"]
        found = reconcile_states(count_requested(ledger, tenant), count_by_state(ledger, tenant))
        metrics.set("sayso_balance_residue", found.unaccounted, tenant=tenant)
    to_read = measure_questions(ledger)
    age = (now - to_read.oldest).total_seconds() if to_read.oldest else 0.0
    metrics.set("sayso_to_read_replies", to_read.numbers)
    metrics.set("sayso_to_read_oldest_seconds", age)
    for topic, cause, still_open, _ in count_dead_letters(ledger):
        metrics.set("sayso_open_dead_letters", still_open, topic=topic, cause=cause)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
