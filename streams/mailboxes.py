"""In which mailbox a message is: a function of how it stands and of nothing else, so that every
surface agrees.

A message is in one mailbox at most.  One that was taken back, or stopped by its recipient, is in
none: nobody wants it any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.decision import Finding, Verdict
from streams.lifecycle import STATE_INFO, Group, State
from streams.reasons import AWAITING_APPROVAL, NOT_APPROVED
from streams.rule_names import EndedBy, rules_ended_by


class Box(StrEnum):
    READY = "ready"
    OUTBOX = "outbox"
    SENTBOX = "sentbox"


WORDS: Final[Mapping[Box, str]] = {
    Box.READY: "Ready to Approve: nothing but an approval, or the clock, keeps them",
    Box.OUTBOX: "Outbox: not yet accepted by the provider, or failed before that",
    Box.SENTBOX: "Sentbox: accepted by the provider",
}

BOXES: Final[Mapping[State, Box]] = {
    State.HELD: Box.OUTBOX,
    State.QUEUED: Box.OUTBOX,
    State.SENDING: Box.OUTBOX,
    State.IN_DOUBT: Box.OUTBOX,
    State.DEFERRED: Box.OUTBOX,
    State.REFUSED: Box.OUTBOX,
    State.REJECTED: Box.OUTBOX,
    State.EXPIRED: Box.OUTBOX,
    **{state: Box.SENTBOX for state, meaning in STATE_INFO.items() if meaning.group is Group.OUT},
}
"""Where a message of each state is, unless something below says otherwise; a state that is not
here is in none."""

FAILED_BEFORE: Final = frozenset({State.REFUSED, State.REJECTED, State.EXPIRED})
"""In the Outbox until somebody resends or dismisses it."""
FAILED_AFTER: Final = frozenset({State.FAILED, State.UNDELIVERED, State.UNKNOWN})
"""Accepted, and did not arrive as far as we know."""

ENDED_BY_CLOCK: Final = rules_ended_by(EndedBy.CLOCK)
"""Rules whose holds end by themselves: a text may be approved ahead of them."""
ENDED_BY_STAFF: Final = rules_ended_by(EndedBy.STAFF)
"""Rules whose holds end only if staff do something; a text that waits for the recipient's yes
has asked for it."""


class MessageView(NamedTuple):
    """`findings` are those of the last decision; `settled`: it was resent, or somebody has
    dismissed it."""

    state: State
    findings: tuple[Finding, ...] = ()
    settled: bool = False


def find_box(message: MessageView, now: datetime) -> Box | None:
    box = BOXES.get(message.state)
    if message.state in FAILED_BEFORE and (message.settled or _unwanted(message)):
        return None
    return Box.READY if message.state is State.HELD and is_ready(message.findings, now) else box


def needs_attention(message: MessageView, now: datetime) -> bool:
    """Somebody should look: it failed, may have failed, or waits for what only staff can do."""
    if message.settled or find_box(message, now) is None:
        return False
    if message.state is State.HELD:
        return any(found.rule in ENDED_BY_STAFF for found in _holds(message.findings, now))
    return message.state in FAILED_BEFORE | FAILED_AFTER | {State.IN_DOUBT}


class Phase(NamedTuple):
    """How a message stands from a time on, if nobody does anything: only the clock goes on."""

    since: datetime
    box: Box | None
    attention: bool


_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


def find_phases(message: MessageView) -> tuple[Phase, ...]:
    """The first is how it stands while all its holds do.  So `find_box` and `needs_attention` can
    be kept with a message, with the times at which they change by themselves."""
    ends = {one.until for one in message.findings if one.verdict is Verdict.HOLD and one.until}
    found: list[Phase] = []
    for since in (_ALWAYS, *sorted(ends)):
        phase = Phase(since, find_box(message, since), needs_attention(message, since))
        if not found or phase[1:] != found[-1][1:]:
            found.append(phase)
    return tuple(found)


def is_ready(findings: tuple[Finding, ...], now: datetime) -> bool:
    """It waits to be approved, and for nothing else that the clock does not end."""
    rules = {found.rule: found for found in _holds(findings, now)}
    others = [found for rule, found in rules.items() if rule != AWAITING_APPROVAL.rule]
    return AWAITING_APPROVAL.rule in rules and all(
        one.rule in ENDED_BY_CLOCK and one.until for one in others
    )


def _holds(findings: tuple[Finding, ...], now: datetime) -> list[Finding]:
    """Those that still stand: an hour that has come is in nobody's way any more."""
    return [
        one
        for one in findings
        if one.verdict is Verdict.HOLD and (one.until is None or one.until > now)
    ]


def _unwanted(message: MessageView) -> bool:
    """Staff have rejected it: it did not fail."""
    return any(
        found.rule == NOT_APPROVED and found.verdict is Verdict.REJECT for found in message.findings
    )
