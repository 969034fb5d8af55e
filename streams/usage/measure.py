"""What one message adds to the report: its day, its segments, and their price.

A price is the tenant's own, else it is from `prices.csv` (list prices without the carriers' fees).
A message keeps the day of its request, and so its price.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import phonenumbers

from schemas.outcome import Outcome, Was
from schemas.tenant_settings import Price
from streams.lifecycle import Group, State, states_of
from streams.processing import Settings
from streams.usage.state import Amounts, Sums

OPEN: Final = timedelta(days=45)
"""How long after its day a message may still change: held for at most 30 days, then sent, then 72
hours of silence. We forget a message that has not changed for as long."""

MAX_SEGMENTS: Final = 10_000
"""Segments of one message: no text has so many, and an entry holds no number without bounds."""

PAID: Final = frozenset(states_of(Group.OUT)) - {State.FAILED}
"""The provider does not bill the segments of what it took and could not send."""


def measure(outcome: Outcome, version: Outcome | Was, day: date, settings: Settings) -> Amounts:
    """`version` is the one to count: this outcome, or the version before it."""
    segments = _clamp(version.segments)
    predicted = version.segments_predicted
    predicted = segments if predicted is None else _clamp(predicted)
    sums = Sums(segments, predicted, _clamp(version.segments_billed or 0))
    if version.state not in PAID:
        return Amounts(sums, None)
    price = find_price(outcome.tenant, outcome.sender, outcome.to, day, settings)
    if price is None:
        return Amounts(sums._replace(unpriced=segments), None)
    priced = sums._replace(estimated=predicted * price.micros, cost=segments * price.micros)
    return Amounts(priced, price.currency)


def _clamp(segments: int) -> int:
    """A producer of outcomes may write anything."""
    return max(-MAX_SEGMENTS, min(segments, MAX_SEGMENTS))


def zone_of(tenant: str, settings: Settings) -> tzinfo:
    known = settings.tenants.get(tenant)
    return UTC if known is None else known.zone


def local_day(moment: datetime, zone: tzinfo) -> date:
    """In UTC at the ends of the calendar, where there is no such local day."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.date()


def closing_time(day: date, zone: tzinfo) -> datetime | None:
    """From when on the day can no longer change.  None where the calendar ends before."""
    try:
        midnight = datetime.combine(day, time.min, zone) + timedelta(days=1) + OPEN
        return midnight.astimezone(UTC)
    except OverflowError:
        return None


def find_price(
    tenant: str, sender: str | None, to: str | None, day: date, settings: Settings
) -> Price | None:
    """The most particular one: for this country, then for this kind of sender, then the latest."""
    known = settings.tenants.get(tenant)
    prices = (known.prices if known else ()) or list_prices()
    from_ = settings.senders.get(sender or "")
    kind = from_.kind if from_ else None
    country = _country_of(to or "")
    matching = [
        one
        for one in prices
        if one.since <= day and one.country in (None, country) and one.sender_kind in (None, kind)
    ]
    return max(
        matching,
        key=lambda one: (one.country is not None, one.sender_kind is not None, one.since),
        default=None,
    )


@cache
def list_prices() -> tuple[Price, ...]:
    text = files("streams.usage").joinpath("prices.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return tuple(_read_price({name: value for name, value in row.items() if value}) for row in rows)


def _read_price(row: dict[str, str]) -> Price:
    return Price.model_validate({**row, "micros": int(row["micros"])})


@lru_cache(10_000)
def _country_of(number: str) -> str | None:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
