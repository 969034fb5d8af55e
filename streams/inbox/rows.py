"""What the inbox remembers of a number at a sender: `contact/<tenant>` and `in/<provider id>`."""

from __future__ import annotations

from typing import Final

from schemas.base import UtcTime
from streams.step import Row

CONTACT: Final = "contact/"


class ContactRow(Row):
    """`last`: when this tenant's latest text to the number was ordered.  `asked`: an ask of its own is unanswered."""

    last: UtcTime
    asked: bool = False
