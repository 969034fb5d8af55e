"""Which lane a kind of text travels in, and which kinds the hour does not matter to."""

from __future__ import annotations

from typing import Final

from schemas.own_kind import OwnKind
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

WITHOUT_OPT_IN: Final[dict[str, Lane]] = {
    OwnKind.CONSENT_ASK: Lane.REPLY,
    OwnKind.STOP_CONFIRMATION: Lane.REPLY,
    OwnKind.START_CONFIRMATION: Lane.REPLY,
    OwnKind.HELP_ANSWER: Lane.REPLY,
}
"""All that may go to somebody who has not opted in.  Sayso starts them; a request of such a kind is refused."""

AFTER_OPT_OUT: Final[frozenset[str]] = frozenset({OwnKind.STOP_CONFIRMATION, OwnKind.HELP_ANSWER})
"""All that may go to somebody who has opted out: one confirmation (47 CFR 64.1200(a)(12)), and help they asked for."""

AT_ANY_HOUR: Final[frozenset[str]] = AFTER_OPT_OUT | {OwnKind.START_CONFIRMATION}
"""Kinds that quiet hours do not hold: answers to what the person has just written or asked for.  A test is none of
them, for whoever asks for it is not always who is woken."""
