"""A tenant's tallies: one row a cell of the report, one a message that stands in it."""

from __future__ import annotations

from datetime import date
from typing import Final
from urllib.parse import quote

from streams.step import Row

MESSAGES: Final = "msg/"
CELLS: Final = "cell/"
LONGEST: Final = 128
"""Characters of anything that names a cell."""


class CellRow(Row):
    """Absolute counts of the messages that stand here now.  `branch` and `sender` are empty where there is none."""

    branch: str
    sender: str
    period: date
    kind: str
    state: str
    error_code: str | None = None
    messages: int = 0
    segments: int = 0

    @property
    def name(self) -> str:
        parts = (self.branch, self.sender, self.period.isoformat(), self.kind, self.state, self.error_code or "")
        return CELLS + "/".join(quote(part, safe="") for part in parts)


class CountedRow(Row):
    """Where a message was counted last, and by which version of its outcome."""

    version: int
    cell: str
    period: date
    segments: int


def message_name(message_id: str) -> str:
    return MESSAGES + message_id
