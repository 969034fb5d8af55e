"""A person is told of: who they are now, and what that means for everything that was asked for them."""

from __future__ import annotations

from datetime import datetime

from schemas.person_event import PersonEvent
from schemas.topics import PEOPLE
from streams.people.facts import number_facts
from streams.people.limits import NUMBERS_AT_MOST, SETTLED_AT_ONCE, WORDS_AT_MOST
from streams.people.person import FIELDS, person_after, same
from streams.people.rows import LIVE, PERSON, PersonRow, RequestRow
from streams.people.settle import Look, settled
from streams.seen import REMEMBER, SeenRow, seen, seen_row
from streams.set_aside import set_aside
from streams.step import NOTHING, Fact, Publication, Row, Rows, Settings, Step, one_by_one


def on_event(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """A repeat, by event id, changes nothing.  What is too large to be a person is set aside."""
    event: PersonEvent = fact.value
    name = seen_row("ev", event.event_id)
    if seen(rows, name):
        return NOTHING
    known = rows.get(PERSON, PersonRow)
    before = known.person if known else None
    after = person_after(before, event)
    if _words(event) > WORDS_AT_MOST or len(after.numbers) > NUMBERS_AT_MOST:
        reason = f"a person has {NUMBERS_AT_MOST} numbers at most, and fields hold words, not files"
        return Step(publish=(set_aside("people", fact, now, "too_large", reason),))
    remembered = Step({name: SeenRow(at_ms=fact.at_ms)}, wake={name: now + REMEMBER})
    if same(before, after):
        return remembered
    told = Step(
        {PERSON: PersonRow(person=after)},
        (Publication(PEOPLE, after), *number_facts(before, after, now)),
        {PERSON: now + REMEMBER if after.deleted else None},
    )
    return _joined([remembered, told, _all_settled(rows, Look(after, now, settings))])


def _all_settled(rows: Rows, look: Look) -> Step:
    """In order of request.  At most SETTLED_AT_ONCE here; the rest is woken one by one, in the order in which it came,
    so that no step grows without bound."""
    names = list(rows.names(LIVE))
    live = [
        row for name in names[:SETTLED_AT_ONCE] if (row := rows.get(name, RequestRow)) is not None
    ]
    live.sort(key=lambda row: (row.request.requested_at, row.request.message_id))
    rest = Step(wake=one_by_one(names[SETTLED_AT_ONCE:], look.now))
    return _joined([*(settled(row, look) for row in live), rest])


def _joined(steps: list[Step]) -> Step:
    rows: dict[str, Row | None] = {}
    wake: dict[str, datetime | None] = {}
    publish: list[Publication] = []
    for step in steps:
        rows |= step.rows
        wake |= step.wake
        publish += step.publish
    return Step(rows, tuple(publish), wake)


def _words(event: PersonEvent) -> int:
    said = [getattr(event, field) for field in FIELDS]
    return sum(
        map(len, filter(None, (*said, *event.remove, *(change.number for change in event.numbers))))
    )
