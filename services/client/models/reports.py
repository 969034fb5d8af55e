"""Usage, and senders. Costs are in millionths of the currency."""

from __future__ import annotations

from datetime import date, datetime

from services.client.models.base import Output


class OtherCost(Output):
    currency: str
    cost_estimated: int
    cost_billed: int


class UsageRow(Output):
    tenant: str
    branch: str
    sender: str
    period: date
    """The tenant's local day."""
    kind: str
    state: str
    error_code: str | None = None
    error_title: str | None = None
    messages: int
    segments: int
    """As billed where the provider has given a count, else as predicted."""
    segments_predicted: int | None = None
    segments_billed: int | None = None
    segments_unpriced: int | None = None
    currency: str | None = None
    cost_estimated: int | None = None
    cost_billed: int | None = None
    other_costs: tuple[OtherCost, ...] = ()
    final: bool
    """The day can no longer change."""


class Usage(Output):
    since: date
    until: date
    messages: int
    segments: int
    rows: tuple[UsageRow, ...]


class SenderItem(Output):
    sender: str
    kind: str | None
    state: str
    """running, paused, resting, unknown_sender, or not used yet."""
    segments_per_second: float | None
    shared: bool
    """Other tenants text from it as well: then its queue is nobody's own."""
    queued_messages: int | None
    queued_segments: int | None
    drain_seconds: float | None
    as_of: datetime | None


class Senders(Output):
    items: tuple[SenderItem, ...]
