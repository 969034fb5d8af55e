"""A ledger that follows, one that does not move, and one that is only slow."""

from __future__ import annotations

import pytest

from services.ledger.projection import Partition
from services.observability.exporter import LedgerLag
from services.observability.lag_report import (
    GroupPartition,
    PartitionSample,
    Sample,
    build_report,
)

TOPIC = "sms.outcomes"


def stalled(*looks: tuple[int | None, int], start: int = 0) -> list[float]:
    """Seconds that the ledger has not moved, at each look: where it is and where the topic ends,
    every ten seconds."""
    ledger_lag = LedgerLag()
    said = []
    for number, (reached, end) in enumerate(looks):
        found = build_report(
            [
                Sample(
                    0.0,
                    {GroupPartition("sayso.usage", TOPIC, 0): PartitionSample(end, start, end)},
                    {},
                )
            ]
        )
        positions = {} if reached is None else {Partition(TOPIC, 0): reached}
        said.append(ledger_lag.measure_stall(positions, found, 1000.0 + 10 * number))
    return said


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        pytest.param([(5, 5), (5, 5), (5, 5)], [0, 0, 0], id="nothing to read"),
        pytest.param([(5, 6), (6, 9), (9, 12)], [0, 0, 0], id="it follows, always a little behind"),
        pytest.param([(5, 5), (5, 6), (5, 7), (5, 7)], [0, 10, 20, 30], id="it stands"),
        pytest.param([(5, 6), (5, 7), (7, 8), (8, 8), (8, 8)], [0, 10, 0, 0, 0], id="it goes on"),
        pytest.param([(None, 3), (None, 3)], [0, 10], id="it has never read anything"),
    ],
)
def test_for_how_long_the_ledger_has_not_moved(
    looks: list[tuple[int | None, int]], said: list[float]
) -> None:
    assert stalled(*looks) == said


def test_an_emptied_topic_is_nothing_to_read() -> None:
    assert stalled((None, 7), (None, 7), start=7) == [0, 0]
