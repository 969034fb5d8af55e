"""One line of the usage report: absolute counts, so that the last one read is the truth."""

from __future__ import annotations

from datetime import date

from schemas.base import Message, Slug


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
    messages: int
    segments: int
    final: bool

    @property
    def identity(self) -> str:
        return "/".join(
            (
                self.tenant,
                self.branch,
                self.sender,
                self.period.isoformat(),
                self.kind,
                self.state,
                self.error_code or "",
            )
        )
