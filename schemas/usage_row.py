"""One line of the usage report: absolute counts, so that the last one read is the truth."""

from __future__ import annotations

from datetime import date

from schemas.base import Message, Slug, Whole


class UsageRow(Message):
    """`period` is the tenant's local day of `requested_at`."""

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
    final: bool

    @property
    def identity(self) -> str:
        """A slash inside a part is escaped: branch `a/b` is not branch `a` of sender `b`."""
        parts = (self.tenant, self.branch, self.sender, self.period.isoformat(), self.kind, self.state)
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in (*parts, self.error_code or ""))
