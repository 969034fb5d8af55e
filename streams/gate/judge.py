"""One request against the rules: the decision, and with it whatever follows."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from schemas.decision import Decision, Verdict
from schemas.topics import DECISIONS
from streams.body_limits import BODY_AT_MOST
from streams.gate.answer import answered
from streams.gate.asking import before, followed, is_wanted
from streams.gate.caps import uncounted
from streams.gate.case import Case, case_of
from streams.gate.decide import Ruling, decide
from streams.gate.follow import FOLLOWS, Issued, Pending, due, ended, rules_of
from streams.gate.joined import joined
from streams.gate.state import HeldRow, NumberRow, held_row, message_row
from streams.processing import Publication, Settings, StepResult
from streams.reasons import READY
from streams.segments import segments

NO_SETTINGS: Final = "none"
"""The policy version of a decision about a tenant that has no settings."""


class Judged(NamedTuple):
    """`number` is the number's row after it; `step` says the rest."""

    number: NumberRow
    step: StepResult


def judge(pending: Pending, number: NumberRow, now: datetime, settings: Settings) -> Judged:
    standing = uncounted(number, pending.request.kind, pending.message.issued_at)
    case = _case(pending, standing, now, settings)
    ruling = decide(case)
    if not is_wanted(case, ruling):
        return _concluded(case, ruling, pending, settings)
    asked = judge(*before(case, pending), now, settings)
    case = case._replace(standing=asked.number)
    judged = _concluded(case, decide(case), pending, settings)
    return Judged(judged.number, joined(asked.step, judged.step))


def _case(pending: Pending, number: NumberRow, now: datetime, settings: Settings) -> Case:
    message = pending.message
    case = case_of(pending.request, number, message.received, now, settings, message.own)
    return case if message.approved is None else case._replace(approved=message.approved)


def would_be(pending: Pending, number: NumberRow, now: datetime, settings: Settings) -> Ruling:
    """As the rules say, with nothing done about it."""
    return decide(
        _case(
            pending,
            uncounted(number, pending.request.kind, pending.message.issued_at),
            now,
            settings,
        )
    )


def ruled(
    pending: Pending, ruling: Ruling, number: NumberRow, now: datetime, settings: Settings
) -> Judged:
    """As somebody else has ruled, whatever the rules say."""
    return _concluded(_case(pending, number, now, settings), ruling, pending, settings)


def _concluded(case: Case, ruling: Ruling, pending: Pending, settings: Settings) -> Judged:
    if _waits_as_before(ruling, pending.held):
        return Judged(
            case.standing,
            StepResult(timers={held_row(pending.request.message_id): due(case, ruling)}),
        )
    ruling = _released(ruling, pending)
    size = segments(case.request.body) if len(case.request.body) <= BODY_AT_MOST else 0
    issued = followed(
        case, ruling, pending, FOLLOWS.get(ruling.verdict, ended)(case, ruling, pending, size)
    )
    decision = Publication(DECISIONS, _decision(case, ruling, pending, size, settings))
    told = (decision, *answered(pending, ruling.verdict, case.now))
    return Judged(issued.number, _step(pending, issued, told))


def _waits_as_before(ruling: Ruling, held: HeldRow | None) -> bool:
    same = held is not None and (held.rules, held.until) == (rules_of(ruling), ruling.until)
    return same and ruling.verdict is Verdict.HOLD


def _released(ruling: Ruling, pending: Pending) -> Ruling:
    """What waited and goes says so."""
    if ruling.verdict is not Verdict.SEND or pending.held is None:
        return ruling
    return ruling._replace(findings=(*ruling.findings, READY.finding(Verdict.SEND)))


def _step(pending: Pending, issued: Issued, told: tuple[Publication, ...]) -> StepResult:
    identity = pending.request.message_id
    message, held = message_row(identity), held_row(identity)
    if issued.held is None and pending.held is None:
        return StepResult(
            {message: issued.message}, (*told, *issued.publish), {message: issued.forget}
        )
    state = {message: issued.message, held: issued.held}
    return StepResult(
        state, (*told, *issued.publish), {message: issued.forget, held: issued.held_until}
    )


def _decision(
    case: Case, ruling: Ruling, pending: Pending, size: int, settings: Settings
) -> Decision:
    request = case.request
    return Decision(
        message_id=request.message_id,
        tenant=request.tenant,
        branch=request.branch,
        to=case.number,
        sender=case.sender or None,
        kind=request.kind,
        segments=size,
        person_id=request.person_id,
        case_id=request.case_id,
        event_id=request.event_id,
        event_at=request.event_at,
        event_title=request.event_title,
        time_zone=request.time_zone,
        valid_until=request.valid_until,
        resend_of=request.resend_of,
        request_id=request.resolved.request_id if request.resolved else None,
        requested_at=request.requested_at,
        requested_by=request.requested_by,
        verdict=ruling.verdict,
        findings=ruling.findings,
        until=ruling.until,
        decided_at=case.now,
        policy_version=settings.versions.get(request.tenant, NO_SETTINGS),
        consent_epoch=case.standing.epoch,
        evidence=pending.place,
        seq=pending.message.seq + 1,
        fingerprint=pending.message.fingerprint,
    )
