"""Where a request stands after another look: at the person as they are now, at the clock, at the tenant's policy.

The same look is taken whenever anything happens, so it must change nothing when nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from schemas.decision import Finding, Verdict
from schemas.person import NumberType, Person
from streams.dedup import REMEMBER
from streams.hold_limits import add_clamped, hold_deadline
from streams.people.issue import asked, decided, taken_back
from streams.people.limits import ORDER_AT_LARGE
from streams.people.resolve import Reasons, resolve, textable
from streams.people.state import DoneRow, RequestRow, Stage, done_row, fingerprint, live_row
from streams.processing import NO_CHANGE, Publication, Settings, StepResult
from streams.reasons import EXPIRED, HELD_TOO_LONG, Reason

DELETED: Final = Reason(
    "person_deleted", "The person was deleted", "ask again for somebody who is on record"
)


MOVED: Final = "the person's number has changed: it is sent to the new one, once this is taken back"
WAITS: Final = (
    "the person has no number now that may be texted: it waits for one, once this is taken back"
)
"""What is said of a text that is taken back, besides that its person was deleted."""


class Look(NamedTuple):
    """Everything it goes by."""

    person: Person | None
    now: datetime
    settings: Settings


def settled(row: RequestRow, look: Look) -> StepResult:
    return _LOOKS[row.stage](row, look)


def _held(row: RequestRow, look: Look) -> StepResult:
    found = resolve(look.person, row.request, _types(row, look))
    if isinstance(found, str):
        return issued(row, found, look)
    if look.person is not None and look.person.deleted:
        return ended(row, Verdict.REJECT, _findings(found, DELETED.finding(Verdict.REJECT)), look)
    due = hold_deadline(row.received, row.request.not_before, row.request.valid_until)
    if look.now >= due:
        late = EXPIRED if due == row.request.valid_until else HELD_TOO_LONG
        return ended(row, Verdict.EXPIRE, _findings(found, late.finding(Verdict.EXPIRE)), look)
    rules = tuple(reason.rule for reason in found)
    if rules == row.rules:
        return StepResult(timers={live_row(row.request.message_id): due})
    held = row.model_copy(update={"rules": rules, "decided": row.decided + 1})
    return _kept(held, due, decided(row, Verdict.HOLD, _findings(found), look.now, look.settings))


def _issued(row: RequestRow, look: Look) -> StepResult:
    """It waits at the gate, as far as we know, for a number that may not be the one any more."""
    if resolve(look.person, row.request, _types(row, look)) == row.number:
        return NO_CHANGE
    return _canceling(row, look)


def _ordered(row: RequestRow, look: Look) -> StepResult:
    """It goes where it was ordered to, unless the number is no longer theirs to be texted."""
    late = look.now - row.since > ORDER_AT_LARGE
    if late or textable(look.person, row.request, _types(row, look), row.number):
        return NO_CHANGE
    return _canceling(row, look)


def _canceling_already(row: RequestRow, look: Look) -> StepResult:
    return NO_CHANGE


_LOOKS: Final[dict[Stage, Callable[[RequestRow, Look], StepResult]]] = {
    Stage.HELD: _held,
    Stage.ISSUED: _issued,
    Stage.ORDERED: _ordered,
    Stage.CANCELING: _canceling_already,
}


def issued(row: RequestRow, number: str, look: Look) -> StepResult:
    after = row.model_copy(
        update={"stage": Stage.ISSUED, "number": number, "rules": (), "since": look.now}
    )
    return _kept(after, forget_at(after, look.now), asked(after, number, look.person))


def forget_at(row: RequestRow, now: datetime) -> datetime:
    """When nobody can have anything to say of it any more: the gate ends what it holds, and every topic forgets."""
    limit = hold_deadline(row.received, row.request.not_before, row.request.valid_until)
    return add_clamped(max(limit, now), REMEMBER)


def _canceling(row: RequestRow, look: Look) -> StepResult:
    after = row.model_copy(update={"stage": Stage.CANCELING, "since": look.now})
    return _kept(after, forget_at(after, look.now), taken_back(row, look.now, _why_back(row, look)))


def _why_back(row: RequestRow, look: Look) -> str:
    if look.person is None or look.person.deleted:
        return f"{DELETED.reason}: {DELETED.next_step}"
    return MOVED if isinstance(resolve(look.person, row.request, _types(row, look)), str) else WAITS


def ended(row: RequestRow, verdict: Verdict, findings: list[Finding], look: Look) -> StepResult:
    step = over(row, look.now)
    return step._replace(publish=(decided(row, verdict, findings, look.now, look.settings),))


def over(row: RequestRow, now: datetime) -> StepResult:
    """The text is dropped, the id remembered."""
    done = done_row(row.request.message_id)
    state = {
        live_row(row.request.message_id): None,
        done: DoneRow(fingerprint=fingerprint(row.request)),
    }
    return StepResult(state, timers={done: now + REMEMBER})


def _kept(row: RequestRow, timer: datetime, *publish: Publication) -> StepResult:
    name = live_row(row.request.message_id)
    return StepResult({name: row}, publish, {name: timer})


def _types(row: RequestRow, look: Look) -> tuple[NumberType, ...]:
    tenant = look.settings.tenants.get(row.request.tenant)
    return tenant.number_types if tenant else ()


def _findings(reasons: Reasons, *more: Finding) -> list[Finding]:
    return [*(reason.finding(Verdict.HOLD) for reason in reasons), *more]
