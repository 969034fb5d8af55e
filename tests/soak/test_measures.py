"""What a soak is judged by, checked by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.soak.__main__ import MORE_FILES, _too_many_files
from tests.soak.measures import Grown, Size, grown, percentile, size, slope
from tests.soak.report import Report, keep, tell

MB = 2**20


@pytest.mark.parametrize(
    ("points", "found"),
    [
        ([], 0),
        ([(1, 5)], 0),
        ([(0, 1), (1, 3), (2, 5)], 2),
        ([(0, 4), (2, 4)], 0),
        ([(0, 3), (1, 0), (2, 3)], 0),
    ],
)
def test_slope(points: list[tuple[float, float]], found: float) -> None:
    assert slope(points) == pytest.approx(found)


@pytest.mark.parametrize(
    ("share", "values", "found"),
    [(0.99, [], 0), (0.5, [3, 1, 2], 2), (0.99, list(range(1, 201)), 198), (1, [1, 9], 9)],
)
def test_percentile(share: float, values: list[float], found: float) -> None:
    assert percentile(share, values) == found


def test_what_comes_before_it_is_warm_counts_for_no_slope() -> None:
    sizes = [
        Size(0, 10 * MB, 5),
        Size(900, 100 * MB, 9),
        Size(1800, 101 * MB, 9),
        Size(2700, 102 * MB, 11),
    ]
    assert grown("gate", sizes, warm=900) == pytest.approx(Grown("gate", 102, 4.0, 9, 11))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
def test_a_process_is_measured() -> None:
    found = size(os.getpid(), 1.0)
    assert found is not None
    assert found.memory > MB
    assert found.files >= 3
    assert size(2**22 + 1, 1.0) is None


@pytest.mark.parametrize("more", [MORE_FILES, MORE_FILES + 1])
def test_files_that_are_never_closed_are_noticed(more: int) -> None:
    assert bool(_too_many_files(Grown("gate", 1, 0, 10, 10 + more))) == (more > MORE_FILES)


def test_the_docs_and_the_file_tell_what_was_measured(tmp_path: Path) -> None:
    page, kept = tmp_path / "README.md", tmp_path / "soak.json"
    page.write_text("before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n")
    told = Report(20, 400, 200, 240_000, 199.6, 0.25, 1.5, [Grown("gate", 120, 7.2, 20, 21)], [])
    tell(told, page)
    keep(told, kept)
    assert "| gate | 120 | +7 | +10 | 20 | 21 |" in page.read_text()
    assert "old" not in page.read_text()
    assert '"per_hour": 7.2' in kept.read_text()
