"""A fact that could be read but must not be acted on, as a dead letter."""

from __future__ import annotations

import base64
from datetime import datetime

from schemas.dead_letter import DeadLetter
from schemas.topics import BY_NAME, DEAD_LETTERS
from streams.step import Fact, Publication


def set_aside(room: str, fact: Fact, now: datetime, cause: str, reason: str) -> Publication:
    """`reason` tells staff what to do; it names no number and quotes no text.  The value is written out again: a fold
    sees the message, not the record's bytes."""
    topic = BY_NAME[fact.topic]
    letter = DeadLetter(
        room=room,
        topic=fact.topic,
        partition=fact.partition,
        offset=fact.offset,
        timestamp=fact.at,
        key=base64.b64encode(topic.key(fact.value).encode()).decode(),
        value=base64.b64encode(topic.encode(fact.value)).decode(),
        cause=cause,
        reason=reason,
        at=now,
    )
    return Publication(DEAD_LETTERS, letter)
