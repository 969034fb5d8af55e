"""When a topic's partition stands still because of too many dead letters, and when it does not."""

from __future__ import annotations

import pytest

from streams.partition.dlq_limit import DLQ_WINDOW, MIN_DEAD_LETTERS, DlqLimit


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
        pytest.param(0.5, [(500, 0), (500, 500)], False, id="half is allowed"),
        pytest.param(0.5, [(499, 0), (501, 501)], True, id="more than half"),
        pytest.param(0.5, [(10, 10)] * 10, True, id="small batches add up"),
        pytest.param(
            0.5,
            [(10, 10)] * 9 + [(DLQ_WINDOW, 0)] * 2 + [(10, 10)] * 9,
            False,
            id="long ago is forgotten",
        ),
        pytest.param(1.0, [(400, 400)] * 9, False, id="at 1 it never trips"),
        pytest.param(0.0, [(900, 0), (100, MIN_DEAD_LETTERS)], True, id="none is allowed"),
    ],
)
def test_a_topic_stands_still_at_its_share_of_dead_letters(
    share: float, batches: list[tuple[int, int]], trips: bool
) -> None:
    assert any(_play(DlqLimit(share), batches)) is trips


def _play(limit: DlqLimit, batches: list[tuple[int, int]]) -> list[bool]:
    """Of each batch, (records, dead letters), the dead letters come first."""
    found = []
    for records, dead_letters in batches:
        for n in range(records):
            limit.records += 1
            if n < dead_letters:
                found.append(limit.add(limit.records, "no JSON"))
    return found


def test_the_standstill_names_the_first_of_them() -> None:
    limit = DlqLimit()
    _play(limit, [(50, 0), (MIN_DEAD_LETTERS, MIN_DEAD_LETTERS)])
    standstill = limit.build_standstill(150, 0)
    assert (standstill.offset, standstill.first) == (150, 51)
    assert standstill.describe() == (
        "stands still at 150: 100 of its last 150 records could not be read or placed, "
        "the first at 51 (no JSON)"
    )


def test_what_a_person_lets_go_on_stands_still_again_only_after_a_good_stretch() -> None:
    limit = DlqLimit()
    limit.is_lifted = True
    assert not any(_play(limit, [(5000, 5000)]))
    assert not any(_play(limit, [(DLQ_WINDOW, 0), (1, 1)]))
    assert any(_play(limit, [(600, 600)]))
