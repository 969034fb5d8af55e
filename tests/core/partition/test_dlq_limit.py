"""When a worker stops because of too many dead letters, and when it does not."""

from __future__ import annotations

import pytest

from streams.partition.decoding import DLQ_WINDOW, MIN_DEAD_LETTERS, DlqLimit, DlqLimitExceeded


@pytest.mark.parametrize(
    ("share", "batches", "trips"),
    [
        pytest.param(0.5, [(400, 400)], True, id="nothing but poison"),
        pytest.param(
            0.5,
            [(MIN_DEAD_LETTERS - 1, MIN_DEAD_LETTERS - 1)],
            False,
            id="too few to mean anything",
        ),
        pytest.param(0.5, [(MIN_DEAD_LETTERS, MIN_DEAD_LETTERS)], True, id="just enough"),
        pytest.param(0.5, [(1000, 500)], False, id="half is allowed"),
        pytest.param(0.5, [(1000, 501)], True, id="more than half"),
        pytest.param(0.5, [(10, 10)] * 10, True, id="small batches add up"),
        pytest.param(
            0.5,
            [(10, 10)] * 9 + [(DLQ_WINDOW, 0)] * 2 + [(10, 10)] * 9,
            False,
            id="long ago is forgotten",
        ),
        pytest.param(1.0, [(400, 400)] * 9, False, id="at 1 it never trips"),
        pytest.param(0.0, [(1000, MIN_DEAD_LETTERS)], True, id="none is allowed"),
        pytest.param(0.5, [(0, 0)] * 5, False, id="wakes and answers are no facts"),
    ],
)
def test_the_worker_stops_at_its_share_of_dead_letters(
    share: float, batches: list[tuple[int, int]], trips: bool
) -> None:
    brake = DlqLimit(share)
    assert any(_trips(brake, records, dead) for records, dead in batches) is trips


def _trips(brake: DlqLimit, records: int, dead: int) -> bool:
    try:
        brake.add(records, dead)
    except DlqLimitExceeded:
        return True
    return False


def test_it_says_how_to_go_on() -> None:
    with pytest.raises(
        DlqLimitExceeded, match=r"400 of the last 400 .*sayso dlq list.*SAYSO_BRAKE=1"
    ):
        DlqLimit().add(400, 400)
