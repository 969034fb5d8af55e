"""Which lane a kind of text travels in."""

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
