"""The sums of the usage report that the ledger keeps are those of its lines, whatever came in."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reports import UsageRow
from schemas.topics import USAGE_REPORT
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.list_tables import DAY_COLUMNS, MONTH_COLUMNS, SUM_COLUMNS
from services.ledger.projection import Record
from services.ledger.usage import UsageFilter, read_usage_rows
from services.ledger.usage_sums import split_period
from services.ledger.usage_totals import (
    SUMMED_BY,
    UsageSum,
    add_up_usage,
    count_by_day,
    sum_usage,
)
from tests.adapters.ledger_filler import apply_records, make_record
from tests.postgres_server import new_location

FIRST = date(2026, 1, 1)
DAYS = 120
OTHER = {"currency": "EUR", "cost_estimated": 5, "cost_billed": 7}


@pytest.fixture(params=["file", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "file":
        found = Ledger.open(tmp_path / FILE)
    else:
        found = Ledger.open(new_location(request.getfixturevalue("postgres")))
    yield found
    found.close()


def row(**changed: Any) -> UsageRow:
    known = {
        "tenant": "harbor",
        "branch": "north",
        "sender": "72975",
        "period": FIRST,
        "kind": "reminder",
        "state": "delivered",
        "messages": 5,
        "segments": 10,
        "segments_unpriced": 1,
        "currency": "USD",
        "cost_billed": 83_000,
        "final": False,
    }
    return UsageRow.model_validate(known | changed)


def tell(seed: int, count: int) -> list[Record]:
    """Lines that are corrected, emptied, deleted, and have costs in one currency or in several."""
    some = random.Random(seed)
    found = []
    for offset in range(count):
        messages = some.choice((0, 1, 2, 30))
        one = row(
            tenant=some.choice(("harbor", "harbor", "acme")),
            branch=some.choice(("", "north", "south")),
            sender=some.choice(("72975", "72976")),
            period=FIRST + timedelta(days=some.choice((0, 30, 31, 60, some.randrange(DAYS)))),
            kind=some.choice(("reminder", "direct")),
            state=some.choice(("sent", "delivered")),
            error_code=some.choice((None, None, "30003")),
            messages=messages,
            segments=2 * messages,
            segments_unpriced=some.choice((None, 0, messages)),
            currency=some.choice((None, "USD", "EUR")),
            cost_billed=some.choice((None, 8300 * messages)),
            other_costs=some.choice(((), (), (), (OTHER,))),
        )
        record = make_record(USAGE_REPORT, offset, one)
        found.append(record if some.random() < 0.85 else record._replace(value=None))
    return found


def apply(ledger: Ledger, records: list[Record], *sizes: int) -> None:
    at = 0
    for size in (*sizes, len(records)):
        if records[at : at + size]:
            apply_records(ledger._store, *records[at : at + size])
        at += size


def recount(ledger: Ledger, columns: Collection[str]) -> dict[tuple[str, ...], list[int]]:
    """As the topic's lines have it."""
    found: dict[tuple[str, ...], list[int]] = {}
    for line in read_usage_rows(ledger, UsageFilter()):
        if not line.other_costs:
            said = {**line.model_dump(), "month": f"{line.period:%Y-%m}", "lines": 1}
            key = tuple(str(said[name] or "") for name in columns)
            sums = found.setdefault(key, [0] * len(SUM_COLUMNS))
            for at, name in enumerate(SUM_COLUMNS):
                sums[at] += said[name] or 0
    return found


def kept(ledger: Ledger, table: str, columns: Collection[str]) -> dict[tuple[str, ...], list[int]]:
    rows = ledger.rows(f"SELECT {', '.join((*columns, *SUM_COLUMNS))} FROM {table}")
    size = len(columns)
    return {tuple(one)[:size]: list(tuple(one)[size:]) for one in rows}


@pytest.mark.parametrize(("seed", "sizes"), [(1, ()), (2, (1,) * 40), (3, (7, 100, 3, 60, 200))])
def test_the_sums_equal_a_recount(ledger: Ledger, seed: int, sizes: tuple[int, ...]) -> None:
    apply(ledger, tell(seed, 500), *sizes)
    assert kept(ledger, "usage_days", DAY_COLUMNS) == recount(ledger, DAY_COLUMNS)
    assert kept(ledger, "usage_months", MONTH_COLUMNS) == recount(ledger, MONTH_COLUMNS)


def test_a_correction_takes_the_place_of_what_was_said_before(ledger: Ledger) -> None:
    about = UsageFilter("harbor")

    def messages() -> list[int]:
        return [one.messages for one in sum_usage(ledger, about, {"state"}, None)]

    told = [
        row(messages=5),
        row(messages=3),
        row(messages=4, other_costs=[OTHER]),
        row(messages=2),
        row(messages=0),
        None,
        row(messages=6),
    ]
    expected: list[list[int]] = [[5], [3], [4], [2], [], [], [6]]
    key = USAGE_REPORT.key(row()).encode()
    for offset, (one, numbers) in enumerate(zip(told, expected, strict=True)):
        apply_records(ledger._store, make_record(USAGE_REPORT, offset, one, key))
        assert messages() == numbers
        days = count_by_day(ledger, about, None)
        assert days == ({FIRST: {"delivered": numbers[0]}} if numbers else {})
    assert len(ledger.rows("SELECT 1 FROM usage_months")) == 1


def test_a_branch_may_have_any_name(ledger: Ledger) -> None:
    names = ("a/b", "a\0b", "a%00b", "🏛", "", "'", "north")
    for at, name in enumerate(names):
        first, then = row(branch=name, messages=9), row(branch=name, messages=at + 1)
        apply_records(ledger._store, make_record(USAGE_REPORT, 2 * at, first))
        apply_records(ledger._store, make_record(USAGE_REPORT, 2 * at + 1, then))
    sums = sum_usage(ledger, UsageFilter(), ("branch",), None)
    found = {one.branch.replace("\0", "\ufffd"): one.messages for one in sums}
    assert found == {name.replace("\0", "\ufffd"): at + 1 for at, name in enumerate(names)}


PERIODS = (
    (None, None),
    (FIRST, None),
    (None, FIRST + timedelta(days=50)),
    (FIRST, FIRST),
    (FIRST + timedelta(days=1), FIRST + timedelta(days=29)),
    (FIRST + timedelta(days=3), FIRST + timedelta(days=30)),
    (FIRST + timedelta(days=20), FIRST + timedelta(days=41)),
    (FIRST + timedelta(days=2), FIRST + timedelta(days=100)),
    (FIRST + timedelta(days=28), FIRST + timedelta(days=60)),
    (FIRST + timedelta(days=9), FIRST + timedelta(days=5)),
    (date.min, date.max),
)
BY = (
    (),
    ("kind", "state", "error_code"),
    ("period", "state"),
    ("period", "error_code", "branch"),
    ("branch", "state"),
    ("sender", "state"),
    ("period", "kind"),
    SUMMED_BY,
)
SEEN = (None, {"north"}, {"south", "north"}, {""}, {"nowhere"})
FILTERS = (
    UsageFilter("harbor"),
    UsageFilter(),
    UsageFilter("harbor", branch="north"),
    UsageFilter("harbor", sender="72976"),
    UsageFilter("acme", kind="direct", state="sent"),
)


def add_up(sums: Collection[UsageRow | UsageSum], by: Collection[str]) -> Counter[tuple[Any, ...]]:
    found = Counter[tuple[Any, ...]]()
    for one in sums:
        about = tuple(getattr(one, name) or "" for name in by)
        found[*about, "messages"] += one.messages
        found[*about, "segments"] += one.segments
        found[*about, "unpriced"] += one.segments_unpriced or 0
        costs = [(one.currency, one.cost_billed)]
        costs += [(other.currency, other.cost_billed) for other in one.other_costs]
        for currency, cost in costs:
            found[*about, currency or ""] += cost or 0
    return +found


def test_any_sum_is_that_of_its_lines(ledger: Ledger) -> None:
    apply(ledger, tell(4, 900), 300, 300)
    several = 0
    for at, ((since, until), seen, base) in enumerate(product(PERIODS, SEEN, FILTERS)):
        wanted = base._replace(since=since, until=until)
        lines = read_usage_rows(ledger, wanted, seen)
        several += sum(bool(one.other_costs) for one in lines)
        for by in (BY[at % len(BY)], BY[at // 5 % len(BY)]):
            assert add_up(sum_usage(ledger, wanted, by, seen), by) == add_up(lines, by), wanted
        days: dict[date, Counter[str]] = {}
        for one in lines:
            days.setdefault(one.period, Counter())[one.state] += one.messages
        assert count_by_day(ledger, wanted, seen) == days
    assert several


@pytest.mark.parametrize(
    "by", [("branch",), ("state", "branch"), ("period", "state"), ("sender", "kind", "error_code")]
)
@pytest.mark.parametrize("most", [1, 7, 100_000])
def test_the_first_lines_of_a_table_are_those_of_all(
    ledger: Ledger, by: tuple[str, ...], most: int
) -> None:
    apply(ledger, tell(5, 500))
    totals = add_up_usage(ledger, UsageFilter(), {"error_code", *by}, None)
    every = add_up(totals.build(), by)
    names = sorted({tuple(str(one) for one in name[:-1]) for name in every})
    first, lines = totals.find_first(by, most)
    assert lines == len(names)
    assert add_up(first, by) == {
        name: count
        for name, count in every.items()
        if tuple(str(one) for one in name[:-1]) in names[:most]
    }
    assert add_up(totals.add_up({"error_code"}), ()) == add_up(totals.build(), ())


DATES = st.dates(date(2025, 11, 1), date(2026, 3, 31))


@given(st.none() | DATES, st.none() | DATES)
def test_a_period_is_the_sum_of_its_parts(since: date | None, until: date | None) -> None:
    parts = split_period(since, until)
    single = 0
    for at in range(-100, 300):
        day = FIRST + timedelta(days=at)
        month = f"{day:%Y-%m}"
        months = parts.months
        counted = int(
            months is not None
            and (months.first is None or months.first <= month)
            and (months.after is None or month < months.after)
        )
        for days in parts.days:
            if (days.first is None or days.first <= day) and (
                days.last is None or day <= days.last
            ):
                counted += days.sign
                single += 1
        is_inside = (since is None or since <= day) and (until is None or day <= until)
        assert counted == is_inside
    if since and until:
        assert single <= 32
