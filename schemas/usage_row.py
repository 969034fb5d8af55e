"""One line of the usage report: absolute counts, so that the last one read is the truth."""

from __future__ import annotations

from datetime import date

from schemas.base import Message, Slug, Whole
from schemas.structs import struct


@struct
class OtherCost(Message):
    """What of one line is in another currency."""

    currency: str
    cost_estimated: Whole
    cost_billed: Whole


@struct
class UsageRow(Message):
    """`period` is the tenant's local day of `requested_at`.

    `segments` is what counts: as billed where the provider has said it, else as predicted.  `segments_predicted` is all
    of it by our own count, `segments_billed` as far as the provider has said.  Costs are in millionths of `currency`:
    `cost_estimated` of what was predicted, `cost_billed` of `segments`; `segments_unpriced` have no price and are in
    neither.  A tenant that changes its currency in mid-day has lines in two: `other_costs` has what `currency` has
    not."""

    tenant: Slug
    branch: str
    sender: str
    period: date
    kind: str
    state: str
    error_code: str | None = None
    error_title: str | None = None
    messages: Whole
    segments: Whole
    segments_predicted: Whole | None = None
    segments_billed: Whole | None = None
    segments_unpriced: Whole | None = None
    currency: str | None = None
    cost_estimated: Whole | None = None
    cost_billed: Whole | None = None
    other_costs: tuple[OtherCost, ...] = ()
    final: bool

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
