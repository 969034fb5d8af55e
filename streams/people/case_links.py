"""Tell cases of their parties: at once when a case asks, and whenever the person changes.

A case may name somebody before anybody has put them on record.  The link is kept, so that the case
hears of them as soon as they are."""

from __future__ import annotations

from datetime import datetime

from schemas.case import CaseLink, CasePerson
from schemas.topics import CASE_PEOPLE
from streams.people.state import CASES, MAX_AT_ONCE, PERSON, LinkedCase, PersonEntry, case_name
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateStore,
    StepResult,
    spread_timers,
)


def on_link(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Whoever wants to hear is told, each time: the case's next worker may have a clock that is
    behind.  An older word that it does not want to hear any more changes nothing."""
    link: CaseLink = record.value
    name = case_name(link.case_id)
    known = state.get(name, LinkedCase)
    if not link.wanted:
        is_old = known is None or link.at < known.at
        return NO_CHANGE if is_old else StepResult({name: None})
    told = _build_case_person(state, link.case_id, state.get(PERSON, PersonEntry), now)
    at = link.at if known is None else max(known.at, link.at)
    return StepResult({name: LinkedCase(at=at)}, (told,))


def on_case_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """A case's turn to hear of a change of somebody who is in many cases."""
    case_id = name.removeprefix(CASES)
    return StepResult(
        publish=(_build_case_person(state, case_id, state.get(PERSON, PersonEntry), now),)
    )


def tell_cases(state: StateStore, changed: PersonEntry, now: datetime) -> StepResult:
    """`MAX_AT_ONCE` cases; timers tell the others one by one, so that no step grows without
    bound."""
    names = list(state.names(CASES))
    told = (
        _build_case_person(state, name.removeprefix(CASES), changed, now)
        for name in names[:MAX_AT_ONCE]
    )
    return StepResult(publish=tuple(told), timers=spread_timers(names[MAX_AT_ONCE:], now))


def has_cases(state: StateStore) -> bool:
    return any(state.names(CASES))


def _build_case_person(
    state: StateStore, case_id: str, entry: PersonEntry | None, now: datetime
) -> Publication:
    """Nobody on record, or somebody who was deleted: no more than that is known."""
    tenant, _, person_id = state.entity_key.partition("/")
    version = entry.version if entry else 0
    if entry is None or entry.person.deleted:
        nobody = CasePerson(
            tenant=tenant,
            case_id=case_id,
            person_id=person_id,
            known=False,
            version=version,
            at=now,
        )
        return Publication(CASE_PEOPLE, nobody)
    person = entry.person
    known = CasePerson(
        tenant=tenant,
        case_id=case_id,
        person_id=person_id,
        name=person.name,
        first_name=person.first_name,
        language=person.language,
        time_zone=person.time_zone,
        postal_region=person.postal_region,
        numbers=person.numbers,
        version=version,
        at=now,
    )
    return Publication(CASE_PEOPLE, known)
