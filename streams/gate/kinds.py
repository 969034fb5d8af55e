"""Which lane a kind of text travels in, and which kinds the hour does not matter to."""

from __future__ import annotations

from typing import Final

from schemas.send import Lane
from schemas.send_request import Kind

LANES: Final[dict[str, Lane]] = {
    Kind.DIRECT: Lane.TRANSACTIONAL,
    Kind.TRANSACTIONAL: Lane.TRANSACTIONAL,
    Kind.TEST: Lane.TRANSACTIONAL,
    Kind.REMINDER: Lane.REMINDER,
    Kind.ALERT: Lane.REMINDER,
    Kind.FOLLOW_UP: Lane.REMINDER,
    Kind.MARKETING: Lane.MARKETING,
}

AT_ANY_HOUR: Final[frozenset[str]] = frozenset()
"""Kinds that quiet hours do not hold: answers to what the person has just written or asked for.  None is here yet; a
test is none of them, for whoever asks for it is not always who is woken."""
