"""Why a text cannot be approved, rejected or judged again (any more), case by case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from schemas.approval import Approval, ApprovalAction
from schemas.consent_status import ConsentState
from schemas.decision import Verdict
from streams.gate.case import case_of
from streams.gate.identity import sha256_of
from streams.gate.rules.awaiting_approval import awaiting_approval
from streams.gate.state import HeldRow, MessageRow, NumberRow
from streams.processing import Settings
from streams.reasons import (
    AWAITING_APPROVAL,
    EXPIRED,
    HELD_TOO_LONG,
    NOBODY_APPROVED,
    NOT_APPROVED,
    OPTED_OUT,
    Reason,
)

UNKNOWN: Final = Reason(
    "unknown_message",
    "No such text waits for this number",
    "look at what waits, and name it as it stands there",
)
ANOTHER_TEXT: Final = Reason(
    "another_text",
    "The text that waits is not the one that was seen",
    "look at it again, and approve what is there",
)
TAKEN_BACK: Final = Reason("canceled", "It was taken back", "ask again if it is still wanted")
REJECTED: Final = Reason(NOT_APPROVED, "It was rejected", "ask for another text if one is wanted")
UNDER_WAY: Final = Reason("under_way", "It is on its way already", "see what became of it")
NOT_NEEDED: Final = Reason(
    "no_approval_needed", "It needs no approval", "see what else it waits for"
)

ENDS: Final[Mapping[str, Reason]] = {
    OPTED_OUT.rule: OPTED_OUT,
    EXPIRED.rule: EXPIRED,
    HELD_TOO_LONG.rule: HELD_TOO_LONG,
    NOBODY_APPROVED.rule: NOBODY_APPROVED,
    REJECTED.rule: REJECTED,
    TAKEN_BACK.rule: TAKEN_BACK,
}
"""What is said of a text that has ended, by the rule that ended it."""
BY_VERDICT: Final[Mapping[Verdict, Reason]] = {Verdict.EXPIRE: EXPIRED, Verdict.CANCEL: TAKEN_BACK}


class Look(NamedTuple):
    """What was said, and how the text and its number stand."""

    approval: Approval
    message: MessageRow | None
    held: HeldRow | None
    standing: NumberRow

    @property
    def verdict(self) -> Verdict | None:
        return self.message.verdict if self.message else None


Check = Callable[[Look, datetime, Settings], Reason | None]


def against(look: Look, now: datetime, settings: Settings) -> Reason | None:
    """The first thing that is against it."""
    return next(
        (why for check in CHECKS[look.approval.action] if (why := check(look, now, settings))), None
    )


def _stopped(look: Look, now: datetime, settings: Settings) -> Reason | None:
    return OPTED_OUT if look.standing.state is ConsentState.OPTED_OUT else None


def _unknown(look: Look, now: datetime, settings: Settings) -> Reason | None:
    return None if look.message and look.message.fingerprint else UNKNOWN


def _over(look: Look, now: datetime, settings: Settings) -> Reason | None:
    message = look.message
    if message is None or look.held is not None:
        return None
    if message.canceled is not None:
        return TAKEN_BACK
    if message.verdict is not Verdict.SEND:
        refused = Reason("refused", f"It was refused: {message.because}", "see why, and ask again")
        return ENDS.get(message.because) or BY_VERDICT.get(message.verdict) or refused
    if message.approved is None:
        return UNDER_WAY
    return UNDER_WAY._replace(
        reason=f"It was approved by {message.approved.by}, and is on its way already"
    )


def _another_text(look: Look, now: datetime, settings: Settings) -> Reason | None:
    """Seen as it was asked for, or, if it has come back, as it went out."""
    assert look.held is not None
    assert look.message is not None
    texts = {sha256_of(look.held.request.body), look.message.asked_sha256} - {""}
    return None if look.approval.body_sha256.lower() in texts else ANOTHER_TEXT


def _approved_already(look: Look, now: datetime, settings: Settings) -> Reason | None:
    approved = look.message.approved if look.message else None
    if approved is None:
        return None
    return Reason(
        "approved_already",
        f"It was approved by {approved.by} already",
        "see what else it waits for",
    )


def _not_needed(look: Look, now: datetime, settings: Settings) -> Reason | None:
    assert look.message is not None
    assert look.held is not None
    if AWAITING_APPROVAL.rule in look.held.rules:
        return None
    case = case_of(
        look.held.request, look.standing, look.message.received, now, settings, look.message.own
    )
    return NOT_NEEDED if awaiting_approval(case) is None else None


CHECKS: Final[Mapping[ApprovalAction, tuple[Check, ...]]] = {
    ApprovalAction.APPROVE: (
        _stopped,
        _unknown,
        _over,
        _another_text,
        _approved_already,
        _not_needed,
    ),
    ApprovalAction.REJECT: (_unknown, _over),
    ApprovalAction.SEND_NOW: (_unknown, _over),
}
