"""What a segment costs."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from schemas.base import Message
from schemas.sender import SenderKind


class Price(Message):
    """Of one segment that is out, for requests of this day (the tenant's) and later, until a later price begins.  What
    is left out holds for all that no other price names."""

    since: date
    country: str | None = Field(
        default=None, description="ISO 3166 country of the recipient; None: any other"
    )
    sender_kind: SenderKind | None = Field(default=None, description="None: any other")
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="ISO 4217")
    micros: int = Field(ge=0, le=10**9, description="millionths of the currency: 8300 is 0.0083")
