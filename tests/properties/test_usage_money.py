"""What the report says was paid equals a recount, whatever becomes of prices, currencies and
zones on the way."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reports import OtherCost, UsageRow
from schemas.tenant_settings import Price, TenantSettings
from streams.processing import Settings, build_settings
from tests.core.harness import START
from tests.core.usage.records import CODE, outcome, processor, report

PAID = {"sent", "delivered", "undelivered", "unknown"}


class Told(NamedTuple):
    message_id: str
    state: str
    predicted: int
    billed: int | None


class Tariff(NamedTuple):
    micros: int
    currency: str
    zone: str


told = st.builds(
    Told,
    st.sampled_from(["m1", "m2", "m3", "m4"]),
    st.sampled_from(["held", "failed", *sorted(PAID)]),
    st.integers(1, 4),
    st.none() | st.integers(1, 5),
)
tariffs = st.builds(
    Tariff,
    st.integers(0, 10**9),
    st.sampled_from(["USD", "EUR", "GBP"]),
    st.sampled_from(["Africa/Abidjan", "Pacific/Kiritimati", "Pacific/Honolulu"]),
)


def agreed(tariff: Tariff) -> Settings:
    prices = (Price(since=date(2000, 1, 1), micros=tariff.micros, currency=tariff.currency),)
    acme = TenantSettings(
        tenant="acme", name="Acme", sender=CODE, time_zone=tariff.zone, prices=prices
    )
    return build_settings({"acme": acme}, {})


def paid(lines: list[UsageRow]) -> Counter[tuple[str, str, str, str]]:
    """Of each cell and currency, what was estimated and what is billed."""
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for line in lines:
        costs: list[UsageRow | OtherCost] = [line, *line.other_costs]
        for cost in costs:
            cell = (str(line.period), line.state, cost.currency or "")
            sums[*cell, "estimated"] += cost.cost_estimated or 0
            sums[*cell, "billed"] += cost.cost_billed or 0
    return +sums


@settings(max_examples=100, deadline=None)
@given(st.lists(told | tariffs, max_size=25), st.data())
def test_what_was_paid_equals_a_recount(events: list[Told | Tariff], data: st.DataObject) -> None:
    harness, versions = processor("Africa/Abidjan"), Counter[str]()
    tariff, days = Tariff(0, "USD", "Africa/Abidjan"), dict[str, date]()
    harness.settings = agreed(tariff)
    expected: dict[str, dict[tuple[str, str, str, str], int]] = {}
    said: list[Any] = []
    for event in events:
        if isinstance(event, Tariff):
            tariff = event
            harness.settings = agreed(tariff)
            continue
        versions[event.message_id] += 1
        segments = event.billed or event.predicted
        one = outcome(
            event.state,
            versions[event.message_id],
            message_id=event.message_id,
            segments=segments,
            segments_predicted=event.predicted,
            segments_billed=event.billed,
        )
        said.append(one)
        harness.feed(one)
        if data.draw(st.booleans()):
            harness.feed(data.draw(st.sampled_from(said)))
        day = days.setdefault(
            event.message_id, START.astimezone(harness.settings.tenants["acme"].zone).date()
        )
        cell, micros = (
            (str(day), event.state, tariff.currency),
            tariff.micros * (event.state in PAID),
        )
        expected[event.message_id] = {
            (*cell, "estimated"): event.predicted * micros,
            (*cell, "billed"): segments * micros,
        }
    recount: Counter[tuple[str, str, str, str]] = Counter()
    for costs in expected.values():
        recount.update(costs)
    assert paid([*report(harness).values()]) == +recount
