"""Usage: the page, its bars and its downloads agree with the report on the topic."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reports import UsageRow
from schemas.topics import USAGE_REPORT
from services.console.usage_chart import HEIGHT, Band, draw_chart, find_band
from services.console.viewer import Role
from services.ledger.ledger import FILE
from services.ledger.usage import UsageFilter
from services.ledger.usage_totals import sum_usage
from services.operations.usage_report import COLUMNS, sum_rows
from streams.error_codes import lookup
from streams.lifecycle import State
from tests.adapters.case_ledger import NOW, Office
from tests.console.harness import Harness, console_on

TODAY = NOW.date()


def row(state: str, messages: int, **changed: Any) -> UsageRow:
    known = {
        "tenant": "harbor",
        "branch": "north",
        "sender": "72975",
        "period": TODAY,
        "kind": "reminder",
        "state": state,
        "messages": messages,
        "segments": messages * 2,
        "currency": "USD",
        "cost_billed": messages * 16_600,
        "final": False,
    }
    return UsageRow.model_validate(known | changed)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Harness]:
    office = Office(tmp_path / FILE)
    office.settle(branches={"north": {}, "south": {}})
    for one in (
        row("delivered", 5),
        row("undelivered", 2, error_code="30003"),
        row("delivered", 3, branch="south"),
        row("delivered", 7, period=TODAY - timedelta(days=400)),
        row("delivered", 9, tenant="acme"),
    ):
        office.add(USAGE_REPORT, one)
    office.ledger.close()
    with console_on(tmp_path, NOW) as found:
        yield found


def download(house: Harness, **roles: Any) -> list[dict[str, str]]:
    client = house.signed_in(Role.ANALYST, **roles)
    since = TODAY - timedelta(days=2)
    path = f"/t/harbor/usage/download.csv?from={since}&to={TODAY + timedelta(days=1)}"
    return list(csv.DictReader(io.StringIO(client.get(path).text)))


def test_the_first_screen_has_the_sums(house: Harness) -> None:
    client = house.signed_in(Role.ANALYST)
    page = client.get(f"/t/harbor/usage?from={TODAY - timedelta(days=2)}&to={TODAY}").text
    assert "<strong>10</strong>" in page
    assert "<strong>20</strong>" in page
    assert "The phone could not be reached" in page
    assert 'class="failed"' in page


def test_sums_are_those_of_the_rows_by_whatever_they_are_summed(tmp_path: Path) -> None:
    office = Office(tmp_path / FILE)
    office.settle()
    other = {"currency": "EUR", "cost_estimated": 5, "cost_billed": 7}
    rows = [
        row("delivered", 5, segments_unpriced=2),
        row("delivered", 3, branch="south", sender="72976"),
        row("undelivered", 2, error_code="30003", error_title=lookup("30003").title),
        row("delivered", 4, kind="direct", other_costs=[other]),
        row("sent", 1, currency="EUR", period=TODAY - timedelta(days=1)),
        row("sent", 0, kind="alert"),
    ]
    for one in rows:
        office.add(USAGE_REPORT, one)
    for branches, columns in (
        (None, ("kind", "state")),
        (None, tuple(COLUMNS)),
        ({"north"}, ("day", "code", "meaning")),
        ({"south", "north"}, ("branch", "sender")),
    ):
        by = {COLUMNS[one] for one in columns} | {"error_code"}
        sums = sum_usage(office.ledger, UsageFilter("harbor"), by, branches)
        seen = [one for one in rows if one.messages and (not branches or one.branch in branches)]
        assert sum_rows(sums, columns) == sum_rows(seen, columns)
    office.ledger.close()


def test_a_download_has_the_counts_of_the_topic(house: Harness) -> None:
    found = download(house)
    assert [(one["branch"], one["state"], one["messages"]) for one in found] == [
        ("north", "delivered", "5"),
        ("north", "undelivered", "2"),
        ("south", "delivered", "3"),
    ]


def test_an_analyst_of_one_branch_sees_that_branch(house: Harness) -> None:
    found = download(house, tenant="harbor", branch="south")
    assert [one["branch"] for one in found] == ["south"]


def test_a_parquet_file_says_the_same(house: Harness) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    client = house.signed_in(Role.ANALYST)
    path = f"/t/harbor/usage/download.parquet?from={TODAY - timedelta(days=2)}&to={TODAY}"
    table = parquet.read_table(io.BytesIO(client.get(path).content))
    assert sum(table.column("messages").to_pylist()) == 10
    assert sum(table.column("cost_billed_micros").to_pylist()) == 10 * 16_600


def test_an_empty_period_says_what_to_do(house: Harness) -> None:
    page = house.signed_in(Role.ANALYST).get("/t/harbor/usage?from=2020-01-01&to=2020-01-02").text
    assert "Choose other days" in page


def test_every_state_is_in_a_band() -> None:
    assert {find_band(state) for state in State} == set(Band)
    assert find_band("from_a_newer_version") is Band.ON_THE_WAY


COUNTS = st.dictionaries(
    st.dates(date(2026, 1, 1), date(2026, 2, 28)),
    st.dictionaries(st.sampled_from(Band), st.integers(0, 10**7)),
)


@given(COUNTS)
def test_no_bar_leaves_the_picture(counts: dict[date, dict[Band, int]]) -> None:
    chart = draw_chart(counts, date(2026, 1, 1), date(2026, 2, 28))
    assert len(chart.bars) == 59
    assert not chart.is_weekly
    for bar in chart.bars:
        assert bar.total == sum(counts.get(bar.day, {}).values())
        assert all(-0.01 <= piece.y <= HEIGHT for piece in bar.pieces)
    assert all(line.number == round(line.number) for line in chart.lines)


@given(COUNTS)
def test_a_year_has_a_bar_for_each_week_and_loses_no_message(
    counts: dict[date, dict[Band, int]],
) -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    chart = draw_chart(counts, first, last)
    assert chart.is_weekly
    assert (chart.bars[0].day, chart.bars[-1].until) == (first, last)
    assert len(chart.bars) == 53
    assert sum(bar.total for bar in chart.bars) == sum(sum(one.values()) for one in counts.values())
    assert all(-0.01 <= piece.y <= HEIGHT for bar in chart.bars for piece in bar.pieces)
