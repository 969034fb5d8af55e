"""A record that could not be read or placed: its bytes, where it stood, and why."""

from __future__ import annotations

import base64

from schemas.base import Message, UtcTime, Whole


class DeadLetter(Message):
    """Bytes are base64 (`key`, `value`, header values); None stays None, a tombstone is not an empty value."""

    room: str
    topic: str
    partition: Whole
    offset: Whole
    timestamp: UtcTime
    key: str | None = None
    value: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    cause: str
    reason: str
    at: UtcTime

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}"

    @property
    def value_bytes(self) -> bytes | None:
        return None if self.value is None else base64.b64decode(self.value)
