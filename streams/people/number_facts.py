"""What the gate must hear of a person's numbers when the person changes."""

from __future__ import annotations

from datetime import datetime

from schemas.number_fact import NumberFact
from schemas.person import Person
from schemas.topics import NUMBER_FACTS
from streams.processing import Publication


def number_facts(before: Person | None, after: Person, now: datetime) -> tuple[Publication, ...]:
    known, told = _facts(before, now), _facts(after, now)
    changed = [record for number, record in told.items() if known.get(number) != record]
    gone = [
        NumberFact(tenant=after.tenant, number=number, person_id=after.person_id, left=True, at=now)
        for number in known
        if number not in told
    ]
    return tuple(Publication(NUMBER_FACTS, record) for record in (*changed, *gone))


def _facts(person: Person | None, now: datetime) -> dict[str, NumberFact]:
    if person is None:
        return {}
    return {
        one.number: NumberFact(
            tenant=person.tenant,
            number=one.number,
            sms_enabled=one.sms_enabled,
            type=one.type,
            time_zone=person.time_zone,
            postal_region=person.postal_region,
            person_id=person.person_id,
            at=now,
        )
        for one in person.numbers
    }
