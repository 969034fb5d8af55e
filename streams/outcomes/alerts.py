"""Alert staff to a text that has failed its recipient, while something can still be done about
it."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any, Final

from schemas.attempt import AttemptCode
from schemas.base import copy_context
from schemas.outcome import Alert, Urgency
from schemas.topics import ALERTS
from streams.alert_words import urgency
from streams.error_codes import lookup
from streams.lifecycle import ARRIVED_STATES, State
from streams.outcomes.alert_text import (
    HAPPENED,
    describe,
    is_alertable,
    name_text,
    zone_of,
)
from streams.outcomes.message_state import build_evidence
from streams.outcomes.state import DecisionSummary, MessageState, PublishedOutcome
from streams.processing import Publication, Settings

CANCELED_BY_CHOICE: Final = frozenset({None, AttemptCode.CANCELED, AttemptCode.DROPPED})
"""With these codes somebody wanted the text canceled.  With another one (a STOP) whoever requested
it must hear."""

LEFT_TO_STAFF: Final = frozenset({AttemptCode.UNCLEAR, AttemptCode.ABSENT})
"""With these codes Sayso can find out no more about an in-doubt attempt.  Before, it usually clears
up by itself."""

NO_RECEIPT: Final = "The carrier has not said for 72 hours whether it arrived"
NO_RECEIPT_STEP: Final = (
    "Ask them whether they got it; if other texts to this number end so too, confirm the number."
)


def build_alerts(
    before: MessageState, after: MessageState, now: datetime, settings: Settings
) -> tuple[Publication, ...]:
    """At most two: about this text, and about the one that it was sent again for."""
    decision = after.decision
    was = before.published
    new = after.published
    if decision is None or new is None or _status(was) == _status(new):
        return ()
    if not is_alertable(decision):
        return ()
    zone = zone_of(after, decision, settings)
    has_failed = _has_failed(new) or _is_lost_track_of(decision, was, new, now)
    alerts = []
    if has_failed:
        alerts.append(_opening(after, decision, new, now, zone))
    elif _may_have_alert(was) and new.state != State.UNKNOWN:  # giving up is no better result
        alerts.append(_closing(after, decision, new, now, zone))
    if decision.resend_of and (has_failed or new.state in ARRIVED_STATES):
        alerts.append(_replacing(after, decision, decision.resend_of, new, now, zone))
    return tuple(Publication(ALERTS, alert) for alert in alerts)


def _status(outcome: PublishedOutcome | None) -> tuple[str, str | None] | None:
    return (outcome.state, outcome.error_code) if outcome else None


def _has_failed(outcome: PublishedOutcome | None) -> bool:
    if outcome is None or outcome.state not in HAPPENED or outcome.state == State.UNKNOWN:
        return False
    if outcome.state == State.IN_DOUBT:
        return outcome.error_code in LEFT_TO_STAFF
    return outcome.state != State.CANCELED or outcome.error_code not in CANCELED_BY_CHOICE


def _is_lost_track_of(
    decision: DecisionSummary, was: PublishedOutcome | None, new: PublishedOutcome, now: datetime
) -> bool:
    """Nobody will tell us any more whether it arrived, and its event is still to come: a call
    helps.

    We raise no alert without a time, or after it: some carriers never report, and each of their
    texts would be one. The Sentbox marks such a text instead (`streams.mailboxes`).  Nor do we
    alert twice about one in-doubt attempt, or about one that staff have dropped."""
    if new.state != State.UNKNOWN or new.error_code in CANCELED_BY_CHOICE - {None}:
        return False
    if _has_failed(was):
        return False
    deadline = _deadline(decision)
    return deadline is not None and now < deadline


def _may_have_alert(was: PublishedOutcome | None) -> bool:
    return _has_failed(was) or (was is not None and was.state == State.UNKNOWN)


def _deadline(decision: DecisionSummary) -> datetime | None:
    """Until when acting helps, if we were told."""
    return decision.event_at or decision.valid_until


def _opening(
    message: MessageState,
    decision: DecisionSummary,
    new: PublishedOutcome,
    now: datetime,
    zone: tzinfo,
) -> Alert:
    deadline = _deadline(decision)
    urgent = urgency(deadline, decision.event_at, now)
    is_unknown = new.state == State.UNKNOWN
    because: str | None
    if new.error_code:
        because = lookup(new.error_code).title
    else:
        because = NO_RECEIPT if is_unknown else decision.reason
    return _alert(
        message,
        decision,
        new,
        now,
        says=describe(decision, State(new.state), urgent, now, zone),
        because=because,
        next_step=new.next_step or (NO_RECEIPT_STEP if is_unknown else None),
        urgency=urgent,
        before=deadline,
    )


def _closing(
    message: MessageState,
    decision: DecisionSummary,
    new: PublishedOutcome,
    now: datetime,
    zone: tzinfo,
) -> Alert:
    if new.state in ARRIVED_STATES:
        result = "has arrived after all"
    else:
        result = f"has not failed after all: it is {new.state}"
    says = f"{name_text(decision, now, zone)} {result}"
    return _alert(message, decision, new, now, says=says, open=False)


def _replacing(
    message: MessageState,
    decision: DecisionSummary,
    first: str,
    new: PublishedOutcome,
    now: datetime,
    zone: tzinfo,
) -> Alert:
    """Close the alert about the text that this one was sent again for."""
    says = f"{name_text(decision, now, zone)} was sent again"
    closed = {"message_id": first, "closed_by": message.message_id}
    return _alert(message, decision, new, now, says=says, open=False, **closed)


def _alert(
    message: MessageState,
    decision: DecisionSummary,
    new: PublishedOutcome,
    now: datetime,
    **fields: Any,
) -> Alert:
    known: dict[str, Any] = {
        "message_id": message.message_id,
        "tenant": message.tenant,
        "to": message.to,
        "time_zone": decision.time_zone,
        "state": new.state,
        "error_code": new.error_code,
        "urgency": Urgency.NORMAL,
        "version": message.version,
        "evidence": build_evidence(message),
        "at": now,
    }
    return Alert(**(copy_context(decision) | known | fields))
