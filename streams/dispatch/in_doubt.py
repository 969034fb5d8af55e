"""In-doubt attempts: a call was cut off, so the provider may or may not have taken the text.

Theory of operation
-------------------
An in-doubt attempt is never retried blindly. It is settled by a status callback
(`controls.on_late_receipt`), by the provider's list, or by a person.

The list is fetched after twice the time that a call may take, and once more later, because lists
lag. Only if both lists say so is the text absent. `list_matching` says what a list proves.

A call that an earlier owner had in flight may leave even later, if that owner only slept. So such a
text is not resent automatically for a quarter of an hour; then the list is fetched a third time.

An absent text is handled by its kind (`POLICIES`). What the lists leave unclear goes to a person.
What nobody settles is given up after 72 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.attempt import AttemptCode, AttemptState, ReturnReason
from schemas.controls import Resolve
from schemas.send_request import Kind, SystemKind
from streams.dispatch.contacts import publish_untaken
from streams.dispatch.list_matching import (
    CLOCK_SPAN,
    Absent,
    Evidence,
    Found,
    Unclear,
    classify,
    find_matching_attempts,
    remember_abandoned,
)
from streams.dispatch.provider_calls import Lookup, LookupResult
from streams.dispatch.returns import return_to_gate
from streams.dispatch.state import RETENTION, DispatchState, InDoubt, Sending, message_name
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

FIRST_LOOKUP: Final = 2
SECOND_LOOKUP: Final = 6
"""In call timeouts, from the interrupted call and from the first lookup on: usually 20 seconds and
a minute."""
RESEND_DELAY: Final = timedelta(minutes=15)
"""From the call on. Then the last lookup is made for what an earlier owner had in flight, and for
what was unclear."""
LAST_LOOKUP: Final = 3
MAX_LOOKUPS: Final = 8
"""Lookups of one sender at a time."""


class AbsentPolicy(StrEnum):
    """What is done with a text that is proven not to have been taken."""

    RESEND = "resend"
    """Through the gate, which evaluates consent and time again."""
    DROP = "drop"
    """It has lost its point by now."""
    PERSON = "person"
    """A person decides: `sayso doubt resend` or `drop`."""


POLICIES: Final[Mapping[str, AbsentPolicy]] = MappingProxyType(
    {
        SystemKind.CONSENT_ASK: AbsentPolicy.RESEND,
        SystemKind.STOP_CONFIRMATION: AbsentPolicy.DROP,
        SystemKind.START_CONFIRMATION: AbsentPolicy.DROP,
        SystemKind.HELP_ANSWER: AbsentPolicy.DROP,
        SystemKind.OPT_IN_HINT: AbsentPolicy.DROP,
        SystemKind.UNMONITORED_ANSWER: AbsentPolicy.DROP,
        Kind.REMINDER: AbsentPolicy.RESEND,
        Kind.ALERT: AbsentPolicy.RESEND,
        Kind.FOLLOW_UP: AbsentPolicy.RESEND,
        Kind.TRANSACTIONAL: AbsentPolicy.PERSON,
        Kind.DIRECT: AbsentPolicy.PERSON,
        Kind.TEST: AbsentPolicy.DROP,
        Kind.MARKETING: AbsentPolicy.DROP,
    }
)
"""By kind; an unknown kind is left to a person."""


def policy_of(kind: str) -> AbsentPolicy:
    return POLICIES.get(kind, AbsentPolicy.PERSON)


# --- a call was cut off


def mark_in_doubt(
    step: StepBuilder,
    message: Sending,
    evidence: str,
    settings: Settings,
    *,
    code: str | None = None,
    resend_at: datetime | None = None,
) -> None:
    """If nobody settles it, it is given up and forgotten, text and all: a provider's bad day must
    not stay in memory."""
    step.queue.in_flight.pop(message.name, None)
    step.report(message, AttemptState.IN_DOUBT, code=code, evidence=evidence)
    lookup_at = step.now + timedelta(seconds=FIRST_LOOKUP * settings.call_limits.call_timeout)
    step.save(message.suspect(lookup_at, resend_at))
    step.set_timer(message.name, step.now + RETENTION)


def suspect_interrupted(step: StepBuilder, settings: Settings) -> None:
    """Whatever an earlier owner had in flight is in doubt, unless its result has come to light: a
    partition that is opened again in its process takes those first."""
    for name in step.queue.interrupted:
        message = step.message(name)
        if not isinstance(message, Sending):
            continue
        resend_at = (message.entry.called_at or step.now) + RESEND_DELAY
        mark_in_doubt(
            step, message, "a new owner found it in state sending", settings, resend_at=resend_at
        )
    step.queue.interrupted.clear()


# --- the provider's list


def request_due_lookups(step: StepBuilder) -> None:
    queue = step.queue
    while (
        len(queue.lookups_in_flight) < MAX_LOOKUPS
        and (first := queue.lookups.first())
        and first[0] <= step.now
    ):
        name = first[1]
        message = step.expect(name, InDoubt)
        queue.lookups.drop(name)
        queue.lookups_in_flight.add(name)
        step.call(
            Lookup(
                message.order.tenant,
                message.order.message_id,
                message.attempt,
                step.sender,
                message.order.to,
                message.called_at - CLOCK_SPAN,
                message.called_at + CLOCK_SPAN,
                message.lookups + 1,
            )
        )


def on_lookup_result(step: StepBuilder, result: LookupResult, settings: Settings) -> None:
    """A list counts for the lookup that it was fetched for. One that could not be read is fetched
    again, the less often the longer that lasts."""
    name = message_name(result.tenant, result.message_id)
    step.queue.lookups_in_flight.discard(name)
    message = step.message(name)
    if not isinstance(message, InDoubt):
        return
    later = step.now + timedelta(seconds=SECOND_LOOKUP * settings.call_limits.call_timeout)
    is_expected = (message.attempt, message.lookups + 1) == (result.attempt, result.round)
    if not is_expected or result.entries is None:
        waited = step.now - message.called_at
        step.save(message.schedule_lookup(max(later, step.now + waited / 2)))
        return
    evidence = classify(
        result.entries,
        step.queue.ids_of_number(message.order.to),
        find_matching_attempts(step, message),
    )
    message = message.count_lookup(result.round, later if result.round == 1 else None)
    _conclude(step, message, evidence, settings)


def _conclude(step: StepBuilder, message: InDoubt, evidence: Evidence, settings: Settings) -> None:
    if isinstance(evidence, Found):
        listed = evidence.message
        step.report(
            message,
            AttemptState.ACCEPTED,
            provider_id=listed.provider_id,
            segments=listed.num_segments,
            evidence=f"{evidence.why}; its status is {listed.status}",
        )
        step.finish(message, DispatchState.ACCEPTED, listed.provider_id)
    elif message.lookups == 1:
        step.save(message)
    elif isinstance(evidence, Unclear):
        _leave_unclear(step, message, evidence)
    else:
        _handle_absent(step, message, evidence, settings)


def _leave_unclear(step: StepBuilder, message: InDoubt, evidence: Unclear) -> None:
    """Left to a person. What is learned of other attempts until the last lookup may still settle
    it."""
    if message.lookups < LAST_LOOKUP:
        why = f"{evidence.why}: left to a person"
        step.report(message, AttemptState.IN_DOUBT, code=AttemptCode.UNCLEAR, evidence=why)
        last_lookup_at = max((message.entry.called_at or step.now) + RESEND_DELAY, step.now)
        message = message.leave_unclear(last_lookup_at)
    step.save(message.conclude(absent=False))


def _handle_absent(
    step: StepBuilder, message: InDoubt, evidence: Absent, settings: Settings
) -> None:
    kind = message.order.kind
    policy = policy_of(kind)
    if message.resend_at is not None and step.now < message.resend_at:
        why = f"{evidence.why}; an earlier owner may still send it: looked up again before a resend"
        step.report(message, AttemptState.DEFERRED, code=AttemptCode.ABSENT, evidence=why)
        step.save(message.schedule_lookup(message.resend_at).conclude(absent=True))
        return
    publish_untaken(step, message, settings)
    if message.cancel_code:
        _end_absent(step, message, message.cancel_code, evidence.why)
    elif policy is AbsentPolicy.RESEND:
        remember_abandoned(step, message, absent=True)
        return_to_gate(step, message, ReturnReason.ABSENT, evidence.why)
    elif policy is AbsentPolicy.DROP:
        _end_absent(
            step, message, AttemptCode.ABSENT, f"{evidence.why}; a {kind} has lost its point"
        )
    else:
        why = f"{evidence.why}: left to a person"
        step.report(message, AttemptState.IN_DOUBT, code=AttemptCode.ABSENT, evidence=why)
        step.save(message.conclude(absent=True))


def _end_absent(step: StepBuilder, message: InDoubt, code: str, evidence: str) -> None:
    remember_abandoned(step, message, absent=True)
    step.report(message, AttemptState.CANCELED, code=code, evidence=evidence)
    step.finish(message, DispatchState.CANCELED)


# --- a person, or nobody


def resolve(step: StepBuilder, control: Resolve) -> None:
    """A person's decision on the attempt that they have seen. A text that must not be sent any more
    stays in doubt."""
    message = step.message(message_name(control.tenant, control.message_id))
    if not isinstance(message, InDoubt) or message.attempt != control.attempt:
        return
    by = control.by[:200]
    if control.action == "drop":
        remember_abandoned(step, message, absent=message.is_absent)
        state = AttemptState.CANCELED if message.is_absent else AttemptState.GIVEN_UP
        step.report(message, state, code=AttemptCode.DROPPED, evidence=f"dropped by {by}")
        step.finish(message, DispatchState.DROPPED)
    elif message.cancel_code:
        step.report(
            message,
            AttemptState.IN_DOUBT,
            code=message.cancel_code,
            evidence=f"{by} asked to resend it, but it must not be sent any more",
        )
    else:
        remember_abandoned(step, message, absent=message.is_absent)
        return_to_gate(step, message, ReturnReason.RESEND, f"resent by {by}")


def give_up(step: StepBuilder, message: InDoubt) -> None:
    """Nobody has settled it for so long that it is forgotten."""
    evidence = f"in doubt for {RETENTION.total_seconds() / 3600:.0f} hours"
    step.report(message, AttemptState.GIVEN_UP, code=AttemptCode.TOO_LONG, evidence=evidence)
    step.queue.remove(message)
