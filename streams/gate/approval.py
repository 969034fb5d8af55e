"""Staff approve or reject what waits, or have it judged again.

An approval is a fact that one rule asks for; all others judge the text afresh.  It is read with requests, after
consent: a STOP that is there already has ended what it would approve.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from schemas.approval import Approval, ApprovalAction
from schemas.approval_answer import ApprovalAnswer
from schemas.base import Evidence
from schemas.decision import Decision, Verdict
from schemas.numbers import e164
from schemas.topics import APPROVAL_LOG, DECISIONS
from streams.dedup import REMEMBER, DedupEntry, dedup_name, is_duplicate
from streams.gate.approvable import Look, against
from streams.gate.decide import Ruling
from streams.gate.follow import Pending
from streams.gate.joined import joined
from streams.gate.judge import Judged, judge, ruled
from streams.gate.release import with_number
from streams.gate.state import (
    NUMBER,
    Approved,
    HeldRow,
    MessageRow,
    NumberRow,
    held_row,
    message_row,
)
from streams.processing import NO_CHANGE, InputRecord, Publication, Settings, StateStore, StepResult
from streams.reasons import NOT_APPROVED, READY, Reason

WORDS_AT_MOST: Final = 200
"""Characters of who it was that are kept."""


def on_approval(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A repeat, by approval id, changes nothing and says nothing; each other one is answered, done or not."""
    said: Approval = record.value
    name = dedup_name("ap", said.approval_id)
    if is_duplicate(state, name):
        return NO_CHANGE
    asked = said.model_copy(update={"by": said.by[:WORDS_AT_MOST]})
    place = Evidence(topic=record.topic, partition=record.partition, offset=record.offset)
    look = Look(
        asked,
        state.get(message_row(said.message_id), MessageRow),
        state.get(held_row(said.message_id), HeldRow),
        state.get(NUMBER, NumberRow) or NumberRow(),
    )
    refused = against(look, now, settings)
    step = _answer(look, refused, place, now) if refused else _done(look, place, now, settings)
    return joined(
        StepResult({name: DedupEntry(at_ms=record.at_ms)}, timers={name: now + REMEMBER}), step
    )


def _done(look: Look, place: Evidence, now: datetime, settings: Settings) -> StepResult:
    assert look.message is not None
    assert look.held is not None
    pending = Pending(look.held.request, look.message, place, look.held)
    pending, judged = _ACTS[look.approval.action](
        look.approval, pending, look.standing, now, settings
    )
    kept = StepResult({message_row(look.approval.message_id): pending.message})
    step = joined(kept, with_number(look.standing, judged.number, judged.step))
    return joined(step, _answer(look, None, place, now, step))


def _approve(
    said: Approval, pending: Pending, number: NumberRow, now: datetime, settings: Settings
) -> tuple[Pending, Judged]:
    approved = pending.message.model_copy(update={"approved": Approved(by=said.by, at=now)})
    pending = pending._replace(message=approved)
    return pending, judge(pending, number, now, settings)


def _reject(
    said: Approval, pending: Pending, number: NumberRow, now: datetime, settings: Settings
) -> tuple[Pending, Judged]:
    no = Reason(
        NOT_APPROVED, f"Rejected by {said.by}", "nothing; ask for another text if one is wanted"
    )
    ruling = Ruling(Verdict.REJECT, (no.finding(Verdict.REJECT),))
    return pending, ruled(pending, ruling, number, now, settings)


def _again(
    said: Approval, pending: Pending, number: NumberRow, now: datetime, settings: Settings
) -> tuple[Pending, Judged]:
    return pending, judge(pending, number, now, settings)


Act = Callable[[Approval, Pending, NumberRow, datetime, Settings], tuple[Pending, Judged]]
_ACTS: Final[dict[ApprovalAction, Act]] = {
    ApprovalAction.APPROVE: _approve,
    ApprovalAction.REJECT: _reject,
    ApprovalAction.SEND_NOW: _again,
}


def _answer(
    look: Look, refused: Reason | None, place: Evidence, now: datetime, step: StepResult = NO_CHANGE
) -> StepResult:
    said = look.approval
    verdict, reason = (look.verdict, refused) if refused else _stands(look, step)
    alive = verdict in (Verdict.SEND, Verdict.HOLD)
    answer = ApprovalAnswer(
        approval_id=said.approval_id,
        tenant=said.tenant,
        number=e164(said.number),
        message_id=said.message_id,
        action=said.action,
        by=said.by,
        applied=refused is None and (alive or said.action is ApprovalAction.REJECT),
        verdict=verdict,
        rule=reason.rule,
        reason=reason.reason,
        next_step=reason.next_step,
        evidence=place,
        at=now,
    )
    return StepResult(publish=(Publication(APPROVAL_LOG, answer),))


def _stands(look: Look, step: StepResult) -> tuple[Verdict, Reason]:
    """How the text stands now, and the finding that decided."""
    decisions = [value for topic, value in step.publish if topic is DECISIONS]
    own = [
        one
        for one in decisions
        if isinstance(one, Decision) and one.message_id == look.approval.message_id
    ]
    if not own:
        rules = ", ".join(look.held.rules if look.held else ())
        return Verdict.HOLD, Reason(
            "as_before", f"It waits as before: {rules}", "see what it waits for"
        )
    deciding = (
        one for one in own[-1].findings if one.verdict is own[-1].verdict is not Verdict.SEND
    )
    found = next(deciding, READY.finding(Verdict.SEND))
    return own[-1].verdict, Reason(found.rule, found.reason, found.next_step)
