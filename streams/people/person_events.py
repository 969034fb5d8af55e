"""Process what a producer says of a person: who they are now, and what that means for their
requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from schemas.dead_letter import DeadLetterCause
from schemas.numbers import e164
from schemas.person import (
    NumberChange,
    NumberFact,
    NumberType,
    Person,
    PersonAction,
    PersonEvent,
    PersonNumber,
)
from schemas.topics import NUMBER_FACTS, PEOPLE
from streams.dedup import RETENTION, DedupEntry, dedup_name, is_duplicate
from streams.people.case_links import has_cases, tell_cases
from streams.people.requests import Context, advance
from streams.people.state import (
    MAX_AT_ONCE,
    MAX_CHARACTERS,
    MAX_NUMBERS,
    PERSON,
    REQUESTS,
    PersonEntry,
    RequestEntry,
)
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateStore,
    StepResult,
    build_dead_letter,
    spread_timers,
)

FIELDS: Final = (
    "name",
    "first_name",
    "role",
    "time_zone",
    "postal_region",
    "email",
    "language",
)


def on_event(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A repeat, by event id, changes nothing.  What is too large for a person becomes a dead
    letter."""
    event: PersonEvent = record.value
    name = dedup_name("ev", event.event_id)
    if is_duplicate(state, name):
        return NO_CHANGE
    known = state.get(PERSON, PersonEntry)
    before = known.person if known else None
    after = apply_event(before, event)
    characters = max(_count_characters(event), _count_characters_of(after))
    if characters > MAX_CHARACTERS or len(after.numbers) > MAX_NUMBERS:
        reason = f"a person has {MAX_NUMBERS} numbers at most, and fields hold words, not files"
        return StepResult(
            publish=(build_dead_letter("people", record, now, DeadLetterCause.TOO_LARGE, reason),)
        )
    remembered = StepResult({name: DedupEntry(at_ms=record.at_ms)}, timers={name: now + RETENTION})
    if is_unchanged(before, after):
        return remembered
    entry = PersonEntry(person=after, version=known.version + 1 if known else 1)
    changed = StepResult(
        {PERSON: entry},
        (Publication(PEOPLE, after), *build_number_facts(before, after, now)),
        {PERSON: now + RETENTION if after.deleted else None},
    )
    others = _advance_all(state, Context(after, now, settings))
    return StepResult.merge(remembered, changed, tell_cases(state, entry, now), others)


def forget_person(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """Somebody who was deleted long ago.  Their cases rely on the count of their changes, should
    they come back."""
    return (
        StepResult(timers={name: now + RETENTION}) if has_cases(state) else StepResult({name: None})
    )


def _advance_all(state: StateStore, context: Context) -> StepResult:
    """In the order of the requests' times, `MAX_AT_ONCE` of them.  Timers advance the others one by
    one, in the order in which they came, so that no step grows without bound."""
    names = list(state.names(REQUESTS))
    entries = [
        entry
        for name in names[:MAX_AT_ONCE]
        if (entry := state.get(name, RequestEntry)) is not None
    ]
    entries.sort(key=lambda entry: (entry.request.requested_at, entry.request.message_id))
    others = StepResult(timers=spread_timers(names[MAX_AT_ONCE:], context.now))
    return StepResult.merge(*(advance(entry, context) for entry in entries), others)


def _count_characters(event: PersonEvent) -> int:
    texts = [getattr(event, field) for field in FIELDS]
    texts += [*event.remove, *(change.number for change in event.numbers)]
    return sum(len(text) for text in texts if text)


def _count_characters_of(person: Person) -> int:
    """What several events have said together."""
    texts = [getattr(person, field) for field in FIELDS]
    texts += [one.number for one in person.numbers]
    return sum(len(text) for text in texts if text)


def apply_event(before: Person | None, event: PersonEvent) -> Person:
    """The person after the event.  An empty text clears a field; a missing one leaves it, or in an
    upsert clears it."""
    known = before if before and not before.deleted else None
    if event.action is PersonAction.DELETE:
        return Person(tenant=event.tenant, person_id=event.person_id, deleted=True, at=event.at)
    is_whole = event.action is PersonAction.UPSERT
    fields: dict[str, Any] = {}
    if known is not None and not is_whole:
        fields |= {field: getattr(known, field) for field in FIELDS}
    fields |= {field: text for field in FIELDS if (text := getattr(event, field)) is not None}
    fields = {field: text or None for field, text in fields.items()}
    fields["name"] = fields.get("name") or ""
    numbers = _by_identity(known.numbers) if known else {}
    return Person(
        tenant=event.tenant,
        person_id=event.person_id,
        **fields,
        numbers=_apply_numbers(numbers, event, is_whole),
        at=event.at,
    )


def _by_identity(numbers: Iterable[PersonNumber]) -> dict[str, PersonNumber]:
    """An older version may have kept one number in two writings: the first stands for both, and is
    on only if each of them was."""
    found: dict[str, PersonNumber] = {}
    for one in numbers:
        number = e164(one.number)
        first = found.get(number, one)
        found[number] = PersonNumber(
            number=number,
            type=first.type,
            sms_enabled=first.sms_enabled and one.sms_enabled,
            primary=first.primary or one.primary,
        )
    return found


def is_unchanged(before: Person | None, after: Person) -> bool:
    """Whether nothing but the time differs."""
    return before is not None and before.model_copy(update={"at": after.at}) == after


def _apply_numbers(
    known: Mapping[str, PersonNumber], event: PersonEvent, is_whole: bool
) -> tuple[PersonNumber, ...]:
    """In the order in which we first heard of them.  One number is primary: the last that was said
    to be."""
    removed = {e164(number) for number in event.remove}
    after = {} if is_whole else {key: one for key, one in known.items() if key not in removed}
    for change in event.numbers:
        number = e164(change.number)
        if number and number not in removed:
            after[number] = _apply_change(after.get(number) or known.get(number), number, change)
    primary = _find_primary(event.numbers, after)
    if primary is None:
        return tuple(after.values())
    return tuple(
        one.model_copy(update={"primary": one.number == primary}) for one in after.values()
    )


def _find_primary(changes: Iterable[NumberChange], after: Mapping[str, PersonNumber]) -> str | None:
    named = [e164(change.number) for change in changes if change.primary]
    return next((number for number in reversed(named) if number in after), None)


def _apply_change(before: PersonNumber | None, number: str, change: NumberChange) -> PersonNumber:
    kind = change.type or (before.type if before else NumberType.MOBILE)
    enabled = change.sms_enabled
    if enabled is None:
        enabled = before.sms_enabled if before else kind is NumberType.MOBILE
    primary = change.primary
    if primary is None:
        primary = before.primary if before else False
    return PersonNumber(number=number, type=kind, sms_enabled=enabled, primary=primary)


def build_number_facts(
    before: Person | None, after: Person, now: datetime
) -> tuple[Publication, ...]:
    """What the gate must know of the person's numbers: those that have changed, and those that are
    gone."""
    known = _facts_of(before, now)
    current = _facts_of(after, now)
    changed = [fact for number, fact in current.items() if known.get(number) != fact]
    gone = [
        NumberFact(tenant=after.tenant, number=number, person_id=after.person_id, left=True, at=now)
        for number in known
        if number not in current
    ]
    return tuple(Publication(NUMBER_FACTS, fact) for fact in (*changed, *gone))


def _facts_of(person: Person | None, now: datetime) -> dict[str, NumberFact]:
    if person is None:
        return {}
    return {
        number: NumberFact(
            tenant=person.tenant,
            number=number,
            sms_enabled=one.sms_enabled,
            type=one.type,
            time_zone=person.time_zone,
            postal_region=person.postal_region,
            person_id=person.person_id,
            at=now,
        )
        for number, one in _by_identity(person.numbers).items()
    }
