"""What number facts change: switches, line type, location, and how well texts reach the number."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from schemas.dead_letter import DeadLetterCause
from schemas.person import NumberFact
from streams.gate.evaluation import reevaluate_all
from streams.gate.state import FIELDS_AT_MOST, NumberState, StepBuilder
from streams.processing import InputRecord

TEXT_FIELDS: Final = ("type", "time_zone", "postal_region")
PLAIN_FIELDS: Final = (*TEXT_FIELDS, "landline", "doubtful", "suppressed")
PEOPLE_AT_MOST: Final = 100
"""People whose switch for one number is kept; the oldest are dropped."""

DOUBTFUL_AFTER: Final = 3
WITHIN: Final = timedelta(days=60)
"""A number is doubtful if no text reached it on so many days, this close together.  On any one
of them the phone may have been off."""


def on_number_fact(step: StepBuilder, record: InputRecord) -> None:
    """Change only what the fact gives.

    What waits is evaluated with it when it is released; at once if the location has changed, for
    their hour may have come."""
    fact: NumberFact = record.value
    if sum(len(getattr(fact, field) or "") for field in TEXT_FIELDS) > FIELDS_AT_MOST:
        reason = "a field holds a file, not a word"
        step.reject_record(record, DeadLetterCause.TOO_LARGE, reason)
        return
    before = step.number
    step.number = apply_fact(before, fact)
    moved = (step.number.time_zone, step.number.postal_region)
    if moved != (before.time_zone, before.postal_region):
        reevaluate_all(step, record.evidence)


def apply_fact(number: NumberState, fact: NumberFact) -> NumberState:
    given = {field: value for field in PLAIN_FIELDS if (value := getattr(fact, field)) is not None}
    return number.model_copy(update=given | _switch(number, fact) | _reachability(number, fact))


def _switch(number: NumberState, fact: NumberFact) -> dict[str, Any]:
    """Several people may share a number: each switches it on or off for themselves, until it is
    theirs no longer."""
    if fact.person_id is None:
        return {} if fact.sms_enabled is None else {"sms_enabled": fact.sms_enabled}
    others = {person: on for person, on in number.switches.items() if person != fact.person_id}
    if fact.left:
        return {"switches": others}
    if fact.sms_enabled is None:
        return {}
    kept = dict([*others.items()][-PEOPLE_AT_MOST + 1 :])
    return {"switches": kept | {fact.person_id: fact.sms_enabled}}


def _reachability(number: NumberState, fact: NumberFact) -> dict[str, Any]:
    """Whoever says `doubtful: false` takes the doubt back; the days count from zero again."""
    if fact.doubtful is False:
        return {"unreachable": ()}
    if fact.unreachable_at is None:
        return {}
    days = {*number.unreachable, fact.unreachable_at.date()}
    recent = _latest(days)
    return {"unreachable": recent} | ({"doubtful": True} if len(recent) >= DOUBTFUL_AFTER else {})


def _latest(days: set[date]) -> tuple[date, ...]:
    last = max(days)
    return tuple(sorted(day for day in days if last - day <= WITHIN))[-DOUBTFUL_AFTER:]
