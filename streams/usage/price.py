"""What a message costs: by the tenant's own prices, else by `prices.csv` (a list price, without the carriers' fees)."""

from __future__ import annotations

import csv
import io
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import phonenumbers

from schemas.price import Price
from streams.lifecycle import Group, State, states_of
from streams.processing import Settings

PAID: Final = frozenset(states_of(Group.OUT)) - {State.FAILED}
"""What the provider took and could not send is not billed by the segment."""


def price_of(
    tenant: str, sender: str | None, to: str | None, day: date, settings: Settings
) -> Price | None:
    """The nearest: one for this country before one for any, then one for this kind of sender, then the latest."""
    known = settings.tenants.get(tenant)
    prices = (known.prices if known else ()) or listed()
    from_ = settings.senders.get(sender or "")
    kind = from_.kind if from_ else None
    country = _country(to or "")
    fits = [
        one
        for one in prices
        if one.since <= day and one.country in (None, country) and one.sender_kind in (None, kind)
    ]
    return max(
        fits,
        key=lambda one: (one.country is not None, one.sender_kind is not None, one.since),
        default=None,
    )


@cache
def listed() -> tuple[Price, ...]:
    text = files("streams.usage").joinpath("prices.csv").read_text(encoding="utf-8")
    state = csv.DictReader(io.StringIO(text))
    return tuple(
        Price.model_validate({name: value for name, value in row.items() if value}) for row in state
    )


@lru_cache(10_000)
def _country(number: str) -> str | None:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
