"""Metrics count what processors really publish: a hand-written message has a writer's mistakes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from schemas import topics as t
from schemas.consent import ConsentAction, ConsentSource
from services.observability.message_metrics import MessageMetrics
from services.observability.metrics import WORKERS
from services.observability.registry import MetricRegistry
from streams.partition.task import PartitionTask
from streams.partition.transaction import Transaction
from streams.processing import build_settings
from tests.simulation.scenario import SENDERS, TENANTS, Scenario

ELSEWHERE = {
    "sayso_facts",
    "sayso_batch_facts",
    "sayso_transaction_seconds",
    "sayso_restore_seconds",
    "sayso_restored_rows",
    "sayso_partitions",
    "sayso_reopenings",
    "sayso_standstills",
}
"""Of a worker, not of what is published (`services.workers.worker_metrics`)."""
NEVER_HERE = {"sayso_unknown_codes", "sayso_dead_letters"}
"""What goes wrong does not in this scenario: `test_poison.py` and `test_metrics.py` (edges) see
them counted."""


class Measured:
    """One set of meters a room, as each worker has its own."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[MessageMetrics, MetricRegistry]] = {}
        self.seen: Counter[str] = Counter()

    def committed(self, task: PartitionTask, tx: Transaction, now: datetime) -> None:
        processor = task.processor.name
        if processor not in self._told:
            meters = MetricRegistry(WORKERS)
            self._told[processor] = MessageMetrics(processor, meters), meters
        told, meters = self._told[processor]
        told.count(tx.publications, now)
        for metric in meters.registry.collect():
            self.seen[metric.name] += any(
                sample.value for sample in metric.samples if "_bucket" not in sample.name
            )

    def total(self, sample: str, **labels: str) -> float:
        values = (
            meters.registry.get_sample_value(sample, labels) for _, meters in self._told.values()
        )
        return sum(value or 0 for value in values)


@pytest.fixture(scope="module")
def played() -> tuple[Scenario, Measured]:
    measured = Measured()
    scenario = Scenario(3)
    scenario.world.committed = measured.committed
    slow = {name: sender.model_copy(update={"pace": 0.2}) for name, sender in SENDERS.items()}
    scenario.world.settings = build_settings(
        TENANTS, slow
    )  # or nothing would ever wait for its turn
    scenario.play()
    return scenario, measured


def test_each_metric_of_a_worker_sees_something(played: tuple[Scenario, Measured]) -> None:
    _, measured = played
    names = {metric.name.removesuffix("_total") for metric in WORKERS} - ELSEWHERE - NEVER_HERE
    assert {name for name in names if not measured.seen[name]} == set()


def test_every_stop_that_came_as_a_text_is_measured(played: tuple[Scenario, Measured]) -> None:
    scenario, measured = played
    changes = scenario.world.log.all(t.CONSENT_LOG)
    stops = [one for one in changes if one.applied and one.action == ConsentAction.OPT_OUT]
    by_text = [one for one in stops if one.source == ConsentSource.INBOUND]
    assert len(by_text) >= 3
    assert measured.total("sayso_stop_to_effect_seconds_count") == len(by_text)


def test_counts_are_those_of_the_topics(played: tuple[Scenario, Measured]) -> None:
    scenario, measured = played
    for state, count in Counter(one.state for one in scenario.world.log.all(t.ATTEMPTS)).items():
        assert measured.total("sayso_attempts_total", state=state) == count
    for (action, source), count in Counter(
        (one.action, one.source) for one in scenario.world.log.all(t.CONSENT_LOG) if one.applied
    ).items():
        assert measured.total("sayso_consent_changes_total", action=action, source=source) == count
