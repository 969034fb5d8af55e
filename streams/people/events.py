"""A person is told of: who they are now, and what that means for everything that was asked for them."""

from __future__ import annotations

from datetime import datetime

from schemas.person_event import PersonEvent
from schemas.topics import PEOPLE
from streams.dead_letters import build_dead_letter
from streams.dedup import REMEMBER, DedupEntry, dedup_name, is_duplicate
from streams.people.limits import NUMBERS_AT_MOST, SETTLED_AT_ONCE, WORDS_AT_MOST
from streams.people.number_facts import number_facts
from streams.people.person import FIELDS, person_after, same
from streams.people.settle import Look, settled
from streams.people.state import LIVE, PERSON, PersonRow, RequestRow
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    spread_timers,
)


def on_event(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A repeat, by event id, changes nothing.  What is too large to be a person is set aside."""
    event: PersonEvent = record.value
    name = dedup_name("ev", event.event_id)
    if is_duplicate(state, name):
        return NO_CHANGE
    known = state.get(PERSON, PersonRow)
    before = known.person if known else None
    after = person_after(before, event)
    if _words(event) > WORDS_AT_MOST or len(after.numbers) > NUMBERS_AT_MOST:
        reason = f"a person has {NUMBERS_AT_MOST} numbers at most, and fields hold words, not files"
        return StepResult(publish=(build_dead_letter("people", record, now, "too_large", reason),))
    remembered = StepResult({name: DedupEntry(at_ms=record.at_ms)}, timers={name: now + REMEMBER})
    if same(before, after):
        return remembered
    told = StepResult(
        {PERSON: PersonRow(person=after)},
        (Publication(PEOPLE, after), *number_facts(before, after, now)),
        {PERSON: now + REMEMBER if after.deleted else None},
    )
    return _joined([remembered, told, _all_settled(state, Look(after, now, settings))])


def _all_settled(state: StateStore, look: Look) -> StepResult:
    """In order of request.  At most SETTLED_AT_ONCE here; the rest is woken one by one, in the order in which it came,
    so that no step grows without bound."""
    names = list(state.names(LIVE))
    live = [
        row for name in names[:SETTLED_AT_ONCE] if (row := state.get(name, RequestRow)) is not None
    ]
    live.sort(key=lambda row: (row.request.requested_at, row.request.message_id))
    rest = StepResult(timers=spread_timers(names[SETTLED_AT_ONCE:], look.now))
    return _joined([*(settled(row, look) for row in live), rest])


def _joined(steps: list[StepResult]) -> StepResult:
    state: dict[str, StateEntry | None] = {}
    timer: dict[str, datetime | None] = {}
    publish: list[Publication] = []
    for step in steps:
        state |= step.state
        timer |= step.timers
        publish += step.publish
    return StepResult(state, tuple(publish), timer)


def _words(event: PersonEvent) -> int:
    said = [getattr(event, field) for field in FIELDS]
    return sum(
        map(len, filter(None, (*said, *event.remove, *(change.number for change in event.numbers))))
    )
