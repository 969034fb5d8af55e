"""A fact that could be read but must not be acted on, as a dead letter."""

from __future__ import annotations

import base64
from datetime import datetime

from schemas.dead_letter import DeadLetter
from schemas.topics import BY_NAME, DEAD_LETTERS
from streams.processing import InputRecord, Publication


def build_dead_letter(
    processor: str, record: InputRecord, now: datetime, cause: str, reason: str
) -> Publication:
    """`reason` tells staff what to do; it names no number and quotes no text.  The value is written out again: a fold
    sees the message, not the record's bytes."""
    topic = BY_NAME[record.topic]
    letter = DeadLetter(
        room=processor,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.at,
        key=base64.b64encode(topic.key(record.value).encode()).decode(),
        value=base64.b64encode(topic.encode(record.value)).decode(),
        cause=cause,
        reason=reason,
        at=now,
    )
    return Publication(DEAD_LETTERS, letter)
