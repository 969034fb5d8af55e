"""Compacted reports: what was used, and whether each hour's messages are accounted for."""

from __future__ import annotations

from schemas.base import Day, Message, Slug, UtcTime, Whole
from schemas.structs import struct


@struct
class OtherCost(Message):
    """What one line costs in another currency."""

    currency: str
    cost_estimated: Whole
    cost_billed: Whole


@struct
class UsageRow(Message):
    """One line of the usage report: absolute counts, so that the last one read is the truth.

    Costs are in millionths of the currency."""

    tenant: Slug
    branch: str
    sender: str
    period: Day
    """The tenant's local day of `requested_at`."""
    kind: str
    state: str
    error_code: str | None = None
    error_title: str | None = None
    messages: Whole
    segments: Whole
    """What counts: as billed where the provider has given a count, else as predicted."""
    segments_predicted: Whole | None = None
    """All of it by our own count."""
    segments_billed: Whole | None = None
    """As far as the provider has given a count."""
    segments_unpriced: Whole | None = None
    """Segments without a price; they are in neither cost."""
    currency: str | None = None
    cost_estimated: Whole | None = None
    """The price of `segments_predicted`."""
    cost_billed: Whole | None = None
    """The price of `segments`."""
    other_costs: tuple[OtherCost, ...] = ()
    """For a tenant that changed its currency within a day: what `currency` does not cover."""
    final: bool
    """The day can no longer change."""

    @property
    def identity(self) -> str:
        """A slash inside a part is escaped: branch `a/b` is not branch `a` of sender `b`."""
        parts = (
            self.tenant,
            self.branch,
            self.sender,
            self.period.isoformat(),
            self.kind,
            self.state,
        )
        return "/".join(
            part.replace("%", "%25").replace("/", "%2F") for part in (*parts, self.error_code or "")
        )


class BalanceRow(Message):
    """The reconciliation of one hour: requested = waiting + not_sent + refused + out + residue."""

    tenant: Slug
    hour: UtcTime
    """The UTC hour in which these messages were requested."""
    requested: Whole
    waiting: Whole
    not_sent: Whole
    refused: Whole
    out: Whole
    residue: Whole
    """How many are unaccounted for.  It is 0 at rest; above 0 while requests await their
    decision."""
    astray: tuple[str, ...] = ()
    """Up to ten of those."""
    at: UtcTime

    @property
    def identity(self) -> str:
        return f"{self.tenant}/{self.hour:%Y-%m-%dT%H}Z"
