"""The outcomes room: decisions, attempts and receipts of one message, read together.

Nothing is said of a message before its decision is known, and everything is remembered: so order does not matter.
Facts of one batch only change the row; what is new is published once, at the batch's end, as it stands then.
"""

from __future__ import annotations

from datetime import datetime

from schemas.attempt import Attempt
from schemas.decision import Decision
from schemas.delivery_receipt import DeliveryReceipt
from streams.dead_letters import build_dead_letter
from streams.lifecycle import STRENGTH
from streams.outcomes.alerts import alerts
from streams.outcomes.answer import taken_back
from streams.outcomes.attempts import merged, most_telling
from streams.outcomes.consent import consent_told
from streams.outcomes.due import forgettable, next_wake, presumed
from streams.outcomes.learned import number_learned
from streams.outcomes.read import judged_of, report_of
from streams.outcomes.state import LIFE, Judged, Life, Report
from streams.outcomes.story import story
from streams.outcomes.tell import sighting, tell
from streams.processing import NO_CHANGE, InputRecord, Settings, StateStore, StepResult

MOST_ODD = 10


def outcomes(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    said = record.value
    if not isinstance(said, Decision | Attempt | DeliveryReceipt):
        return NO_CHANGE
    before = state.get(LIFE, Life) or Life(tenant=said.tenant, message_id=said.message_id)
    if not belongs(before, said):
        reason = "this message id stands for another text or number: use an id of its own"
        return StepResult(
            publish=(build_dead_letter("outcomes", record, now, "id_reused", reason),)
        )
    after = (
        with_decision(before, said)
        if isinstance(said, Decision)
        else with_report(before, record, now)
    )
    return NO_CHANGE if after is before else _changed(state, before, after)


def _changed(state: StateStore, before: Life, after: Life) -> StepResult:
    if state.pending is None:
        state.pending = before
    return StepResult({LIFE: after})


def outcomes_finish(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    """What a batch has made of a message: the difference between before and after it, published once."""
    before: Life = state.pending
    after = state.get(LIFE, Life)
    if after is None:
        return NO_CHANGE
    known = story(after)
    after, news = tell(after, known, now)
    publish = (
        *news,
        *sighting(before, after, now),
        *taken_back(before, after, now),
        *consent_told(before, after, now),
        *number_learned(before, after, now),
        *alerts(before, after, now, settings),
    )
    return StepResult({LIFE: after}, publish, {LIFE: next_wake(known, now)})


def outcomes_woke(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    life = state.get(LIFE, Life)
    if life is None:
        return NO_CHANGE
    after = presumed(life, now)
    if after != life:
        return _changed(state, life, after)
    return (
        StepResult(state={LIFE: None})
        if forgettable(life)
        else StepResult(timers={LIFE: next_wake(story(life), now)})
    )


def belongs(life: Life, said: Decision | Attempt | DeliveryReceipt) -> bool:
    """Whether it is about the text of the first decision."""
    if isinstance(said, DeliveryReceipt) or life.judged is None:
        return True
    same_number = life.to is None or said.to is None or said.to == life.to
    if isinstance(said, Attempt):
        return same_number
    return same_number and (
        not life.fingerprint or not said.fingerprint or said.fingerprint == life.fingerprint
    )


def with_decision(life: Life, decision: Decision) -> Life:
    judged = judged_of(decision)
    if life.judged is not None and _seniority(life.judged) >= _seniority(judged):
        judged = life.judged
    if judged is life.judged and life.to and life.fingerprint:
        return life
    return life.model_copy(
        update={
            "judged": judged,
            "to": life.to or decision.to,
            "fingerprint": life.fingerprint or decision.fingerprint[:64],
        }
    )


def _seniority(judged: Judged) -> tuple[int, datetime, int]:
    """The highest `seq` holds; the rest only makes an order of what should not occur."""
    return judged.seq, judged.decided_at, judged.verdict.strictness


def with_report(life: Life, record: InputRecord, now: datetime) -> Life:
    """Of an attempt, or of a receipt for one."""
    report = report_of(record, now)
    odd = _odd(record.value, report)
    if odd is not None:
        seen = tuple(sorted({*life.odd, odd}))[:MOST_ODD]
        return life if seen == life.odd else life.model_copy(update={"odd": seen})
    number = record.value.attempt
    known = life.attempts.get(number, ())
    reports = merged(known, report)
    if reports == known:
        return life
    attempts = most_telling({**life.attempts, number: reports})
    return life if attempts == life.attempts else life.model_copy(update={"attempts": attempts})


def _odd(said: Attempt | DeliveryReceipt, report: Report) -> str | None:
    """What is kept and not believed: a word that the table does not know, or one about another account's text."""
    if isinstance(said, DeliveryReceipt) and said.foreign:
        return f"of another account: {report.word}"
    return None if (report.source, report.word) in STRENGTH else report.word
