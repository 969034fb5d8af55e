"""What it cost."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.outcome import Outcome, Was
from schemas.reports import UsageRow
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import Price, TenantSettings
from streams.processing import build_settings
from streams.usage import usage, usage_on_timer
from streams.usage.measure import find_price, list_prices
from streams.usage.state import Counts
from tests.core.harness import START, ProcessorHarness
from tests.core.usage.records import CODE, outcome, report

ANA, BOB = "+14155550101", "+442079460100"
DAY = START.date()
OURS = (
    Price(since=date(2026, 1, 1), micros=5000, currency="EUR"),
    Price(since=date(2026, 1, 1), country="US", micros=9000, currency="EUR"),
    Price(since=date(2026, 11, 1), country="US", micros=9500, currency="EUR"),
    Price(since=date(2027, 1, 1), country="US", micros=99_000, currency="EUR"),
    Price(
        since=date(2026, 1, 1),
        country="US",
        sender_kind=SenderKind.SHORT_CODE,
        micros=4000,
        currency="EUR",
    ),
)


def settings(prices: tuple[Price, ...] = OURS, kind: SenderKind = SenderKind.LONG_CODE) -> Any:
    acme = TenantSettings(tenant="acme", name="Acme", sender=CODE, prices=prices)
    return build_settings({"acme": acme}, {CODE: Sender(sender=CODE, kind=kind, owner="acme")})


@pytest.mark.parametrize(
    ("to", "kind", "day", "micros"),
    [
        pytest.param(ANA, SenderKind.LONG_CODE, DAY, 9500, id="the latest that has begun"),
        pytest.param(ANA, SenderKind.LONG_CODE, date(2026, 10, 31), 9000, id="the one before"),
        pytest.param(ANA, SenderKind.LONG_CODE, date(2025, 1, 1), None, id="before all of them"),
        pytest.param(ANA, SenderKind.SHORT_CODE, DAY, 4000, id="for this kind of sender"),
        pytest.param(BOB, SenderKind.SHORT_CODE, DAY, 5000, id="for any other country"),
        pytest.param("nonsense", SenderKind.LONG_CODE, DAY, 5000, id="for no country"),
    ],
)
def test_the_most_particular_price_is_used(
    to: str, kind: SenderKind, day: date, micros: int | None
) -> None:
    price = find_price("acme", CODE, to, day, settings(kind=kind))
    assert (price.micros if price else None) == micros


def test_without_prices_the_list_is_used() -> None:
    assert find_price("acme", CODE, ANA, DAY, settings(())) in list_prices()
    assert find_price("acme", CODE, BOB, DAY, settings(())) is None
    assert find_price("nobody", None, None, DAY, settings(())) is None


def test_prices_are_in_one_currency() -> None:
    with pytest.raises(ValidationError, match="in one currency"):
        settings((*OURS, Price(since=DAY, micros=1, currency="USD")))


def billed(state: str = "delivered", version: int = 1, **changed: Any) -> Outcome:
    """Predicted 2, billed 3."""
    known = {"to": ANA, "segments": 3, "segments_predicted": 2, "segments_billed": 3}
    return outcome(state, version, **(known | changed))


def line(*told: Outcome, state: str = "delivered") -> UsageRow:
    harness = ProcessorHarness(usage, usage_on_timer, "acme", settings())
    for one in told:
        harness.feed(one)
    [found] = [row for row in report(harness).values() if row.state == state]
    return found


def test_a_line_has_estimated_and_billed_cost() -> None:
    two = line(billed(), billed(message_id="m2", segments=2, segments_billed=None))
    assert (two.segments, two.segments_predicted, two.segments_billed) == (5, 4, 3)
    assert (two.cost_estimated, two.cost_billed, two.currency, two.segments_unpriced) == (
        38_000,
        47_500,
        "EUR",
        0,
    )


@pytest.mark.parametrize("state", ["held", "rejected", "canceled", "refused", "failed", "queued"])
def test_an_unsent_message_costs_nothing(state: str) -> None:
    found = line(billed(state), state=state)
    assert (found.segments, found.cost_billed, found.cost_estimated, found.segments_unpriced) == (
        3,
        0,
        0,
        0,
    )


def test_segments_without_a_price_are_counted_apart() -> None:
    found = line(billed(requested_at=START.replace(year=2025)))
    assert (found.cost_billed, found.currency, found.segments_unpriced) == (0, None, 3)


def test_later_billing_corrects_the_line() -> None:
    first = billed(segments=2, segments_billed=None)
    found = line(first, billed("delivered", 2))
    assert (found.messages, found.segments, found.cost_estimated, found.cost_billed) == (
        1,
        3,
        19_000,
        28_500,
    )


def test_a_message_that_moves_takes_its_cost_along() -> None:
    found = line(billed("sent"), billed("failed", 2), state="sent")
    assert (found.messages, found.segments, found.segments_billed, found.cost_billed) == (
        0,
        0,
        0,
        0,
    )


def test_a_forgotten_message_takes_its_cost_off() -> None:
    harness = ProcessorHarness(usage, usage_on_timer, "acme", settings())
    harness.feed(billed("sent"))
    harness.wait(46 * 24 * 3600)
    assert not any(name.startswith("msg/") for name in harness.state.raw)
    was = Was(state="sent", segments=3, segments_predicted=2, segments_billed=3)
    harness.feed(billed("failed", 2).model_copy(update={"was": was}))
    sums = {
        row.state: (row.messages, row.segments, row.cost_billed, row.cost_estimated)
        for row in report(harness).values()
    }
    assert sums == {"sent": (0, 0, 0, 0), "failed": (1, 3, 0, 0)}


def test_an_entry_from_before_prices_is_counted_on() -> None:
    harness = ProcessorHarness(usage, usage_on_timer, "acme", settings())
    harness.feed(billed("sent"))
    for name, raw in harness.state.raw.items():
        kept = json.loads(raw).items()
        old = {
            field: value
            for field, value in kept
            if field not in Counts.__struct_fields__ or field == "segments"
        }
        harness.state.raw[name] = json.dumps(old).encode()
    harness.feed(billed("delivered", 2))
    sums = {row.state: (row.messages, row.cost_billed) for row in report(harness).values()}
    assert sums == {"sent": (0, 0), "delivered": (1, 28_500)}
