"""Which lane a kind of text travels in, and which kinds the hour does not matter to."""

from __future__ import annotations

from typing import Final

from schemas.send import Priority
from schemas.send_request import Kind
from schemas.system_kind import SystemKind

LANES: Final[dict[str, Priority]] = {
    Kind.DIRECT: Priority.TRANSACTIONAL,
    Kind.TRANSACTIONAL: Priority.TRANSACTIONAL,
    Kind.TEST: Priority.TRANSACTIONAL,
    Kind.REMINDER: Priority.REMINDER,
    Kind.ALERT: Priority.REMINDER,
    Kind.FOLLOW_UP: Priority.REMINDER,
    Kind.MARKETING: Priority.MARKETING,
}

WITHOUT_OPT_IN: Final[dict[str, Priority]] = {
    SystemKind.CONSENT_ASK: Priority.REPLY,
    SystemKind.STOP_CONFIRMATION: Priority.REPLY,
    SystemKind.START_CONFIRMATION: Priority.REPLY,
    SystemKind.HELP_ANSWER: Priority.REPLY,
}
"""All that may go to somebody who has not opted in.  Sayso starts them; a request of such a kind is refused."""

AFTER_OPT_OUT: Final[frozenset[str]] = frozenset(
    {SystemKind.STOP_CONFIRMATION, SystemKind.HELP_ANSWER}
)
"""All that may go to somebody who has opted out: one confirmation (47 CFR 64.1200(a)(12)), and help they asked for."""

AT_ANY_HOUR: Final[frozenset[str]] = AFTER_OPT_OUT | {SystemKind.START_CONFIRMATION}
"""Kinds that quiet hours do not hold: answers to what the person has just written or asked for.  A test is none of
them, for whoever asks for it is not always who is woken."""
