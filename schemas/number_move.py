"""What a version before kept about a number under another writing of it, on its way to the key of
the number's identity."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Slug, UtcTime


class MoveStep(StrEnum):
    ASK = "ask"
    """To the key of the other writing: hand over what is there."""
    ENTRY = "entry"
    """To the key of the identity: one entry of the state."""
    DONE = "done"
    """To the key of the identity: that was all."""


class NumberMove(Message):
    """Only the gate writes and reads it.  It is filed under `number` as it stands here, which for a
    question is the other writing."""

    tenant: Slug
    number: str
    former: str
    """The other writing."""
    step: MoveStep
    name: str = ""
    """The entry's name."""
    entry: str = ""
    """The entry's JSON."""
    by_text: bool = False
    """The consent in it came by a text from the recipient, at the time that it has."""
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"
