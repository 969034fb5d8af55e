"""What a person did about a dead letter."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Message, UtcTime, Whole


class LetterAction(StrEnum):
    REPLAYED = "replayed"
    """Written to its own topic again, as it was or mended."""
    DROPPED = "dropped"
    """Looked at, and not needed."""


class LetterResolution(Message):
    """`partition` and `offset`: where the letter stands on sms.dead-letters.  A letter is replayed once: the record and
    this are written in one transaction."""

    topic: str = Field(description="where the unreadable record stood")
    source_partition: Whole
    partition: Whole
    offset: Whole
    action: LetterAction
    by: str
    reason: str = ""
    mended: bool = Field(default=False, description="the value was changed before it was replayed")
    at: UtcTime

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.source_partition}"
