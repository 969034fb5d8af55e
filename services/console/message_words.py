"""Messages in the words of staff: states, kinds, boxes. Words are marked with `_` where drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.send_request import Kind, SystemKind
from streams.lifecycle import State


class StateWords(NamedTuple):
    mark: str
    """Of `badge` in macros.html: good, bad, wait, off, warn, info."""
    words: str


STATES: Final[Mapping[str, StateWords]] = {
    State.HELD: StateWords("wait", "Waiting"),
    State.REJECTED: StateWords("bad", "Not sent"),
    State.EXPIRED: StateWords("bad", "Too late"),
    State.CANCELED: StateWords("off", "Taken back"),
    State.QUEUED: StateWords("wait", "In line"),
    State.SENDING: StateWords("wait", "Being sent"),
    State.IN_DOUBT: StateWords("warn", "In doubt"),
    State.DEFERRED: StateWords("wait", "Tried again soon"),
    State.REFUSED: StateWords("bad", "Refused"),
    State.ACCEPTED: StateWords("info", "On its way"),
    State.SENT: StateWords("info", "On its way"),
    State.UNKNOWN: StateWords("warn", "No receipt"),
    State.FAILED: StateWords("bad", "Failed"),
    State.UNDELIVERED: StateWords("bad", "Not delivered"),
    State.DELIVERED: StateWords("good", "Delivered"),
    State.READ: StateWords("good", "Read"),
}
NOT_JUDGED: Final = StateWords("wait", "Just requested")

KINDS: Final[Mapping[str, str]] = {
    Kind.TRANSACTIONAL: "Notice",
    Kind.DIRECT: "Written by hand",
    Kind.REMINDER: "Reminder",
    Kind.ALERT: "Alert",
    Kind.FOLLOW_UP: "Follow-up",
    Kind.MARKETING: "Marketing",
    Kind.TEST: "Test",
    SystemKind.CONSENT_ASK: "Opt-in request",
    SystemKind.STOP_CONFIRMATION: "Answer to STOP",
    SystemKind.START_CONFIRMATION: "Answer to START",
    SystemKind.HELP_ANSWER: "Answer to HELP",
    SystemKind.OPT_IN_HINT: "How to opt in",
    SystemKind.UNMONITORED_ANSWER: "Automatic answer",
}


def state_words(state: str | None) -> StateWords:
    return STATES.get(state or "") or (StateWords("info", state) if state else NOT_JUDGED)


def kind_words(kind: str) -> str:
    return KINDS.get(kind, kind)
