"""Whether the books of one hour balance: everything asked for is somewhere."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime, Whole


class BalanceRow(Message):
    """`hour` is the UTC hour in which these messages were requested.  requested = waiting + not_sent + refused + out +
    residue.  The residue is 0 at rest; while messages are on their way to being judged it is how many.  `astray` names
    up to ten of those that are in it."""

    tenant: Slug
    hour: UtcTime
    requested: Whole
    waiting: Whole
    not_sent: Whole
    refused: Whole
    out: Whole
    residue: Whole
    astray: tuple[str, ...] = ()
    at: UtcTime

    @property
    def identity(self) -> str:
        return f"{self.tenant}/{self.hour:%Y-%m-%dT%H}Z"
