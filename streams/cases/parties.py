"""Keep what follows from a party: the link to the person, the number, and the opt-in request."""

from __future__ import annotations

import hashlib
from typing import Final

from schemas.base import Evidence
from schemas.case import AwaitedConfirmation, CaseLink, CaseNumber, CasePerson
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.topics import CASE_LINKS, CASE_NUMBERS, CONSENT_EVENTS
from streams.cases.audience import is_due_a_text
from streams.cases.draft import Draft
from streams.cases.numbers import NONE, ChosenNumber, choose_number
from streams.cases.state import (
    EVENTS,
    Awaited,
    ConfirmationEntry,
    EventEntry,
    NumberEntry,
    PartyEntry,
    PersonEntry,
    confirmation_name,
    number_name,
    party_name,
    person_name,
)

MAX_SHARING: Final = 100
"""People of one number in one case of whom we keep account."""
ASKED_BY: Final = "cases"


def take_person(draft: Draft, record: CasePerson) -> bool:
    """Whether it says something new of a party.  An older version is ignored."""
    party = draft.get(party_name(record.person_id), PartyEntry)
    name = person_name(record.person_id)
    before = draft.get(name, PersonEntry)
    if party is None or not party.present:
        return False
    if before is not None and record.version <= before.version:
        return False
    fields = [field for field in PersonEntry.__struct_fields__ if field in CasePerson.model_fields]
    draft.put(name, PersonEntry(**{field: getattr(record, field) for field in fields}))
    draft.show()
    return True


def find_number(draft: Draft, person_id: str, party: PartyEntry) -> ChosenNumber:
    if not party.present:
        return NONE
    person = draft.get(person_name(person_id), PersonEntry)
    return choose_number(person, party.tied_number, draft.tenant.number_types)


def update_party(draft: Draft, person_id: str) -> None:
    """Publish what others have to know of a party, as far as they don't yet."""
    party = draft.get(party_name(person_id), PartyEntry)
    if party is None:
        return
    before = party
    party = _drop_awaited(draft, person_id, _link(draft, person_id, party))
    chosen = find_number(draft, person_id, party)
    party = _tell_threads(draft, person_id, party, chosen.number)
    if party is not before:
        draft.put(party_name(person_id), party)
    if chosen.number is not None and chosen.reason is None:
        _ask_for_opt_in(draft, person_id, party, chosen.number)


def _link(draft: Draft, person_id: str, party: PartyEntry) -> PartyEntry:
    if party.present == party.linked:
        return party
    link = CaseLink(
        tenant=draft.tenant_id,
        person_id=person_id,
        case_id=draft.case_id,
        wanted=party.present,
        at=draft.now,
    )
    draft.publish(CASE_LINKS, link)
    if not party.present:
        draft.remove(person_name(person_id))
    return party.model_copy(update={"linked": party.present})


def _drop_awaited(draft: Draft, person_id: str, party: PartyEntry) -> PartyEntry:
    """Confirmations that nobody waits for any more: given, or of an event that is another now."""
    awaits = tuple(one for one in party.awaits if _is_awaited(draft, person_id, one))
    return party if awaits == party.awaits else party.model_copy(update={"awaits": awaits})


def _is_awaited(draft: Draft, person_id: str, one: Awaited) -> bool:
    event = draft.get(f"{EVENTS}{one.event_id}", EventEntry)
    if event is None or event.canceled or event.starts_at != one.starts_at:
        return False
    given = draft.get(confirmation_name(one.event_id, person_id), ConfirmationEntry)
    return one.until > draft.now and (given is None or given.starts_at != one.starts_at)


def _tell_threads(
    draft: Draft, person_id: str, party: PartyEntry, number: str | None
) -> PartyEntry:
    """Which number the party has here.  One that they have no more is taken back."""
    if party.number is not None and party.number != number:
        left = CaseNumber(
            tenant=draft.tenant_id,
            number=party.number,
            case_id=draft.case_id,
            person_id=person_id,
            left=True,
            at=draft.now,
        )
        draft.publish(CASE_NUMBERS, left)
        _unlist(draft, party.number, person_id)
        party = party.model_copy(update={"told": ""})
    if number is None:
        return party if party.number is None else party.model_copy(update={"number": None})
    _list(draft, number, person_id)
    card = _build_card(draft, person_id, party, number)
    digest = _hash(card.model_dump_json(exclude={"at"}))
    if digest == party.told:
        return party
    draft.publish(CASE_NUMBERS, card)
    return party.model_copy(update={"number": number, "told": digest})


def _build_card(draft: Draft, person_id: str, party: PartyEntry, number: str) -> CaseNumber:
    case = draft.case
    person = draft.get(person_name(person_id), PersonEntry)
    awaits = (
        AwaitedConfirmation(
            event_id=one.event_id, event_starts_at=one.starts_at, word=one.word, until=one.until
        )
        for one in party.awaits
    )
    return CaseNumber(
        tenant=draft.tenant_id,
        number=number,
        case_id=draft.case_id,
        person_id=person_id,
        title=case.title,
        name=person.name if person else "",
        role=party.role,
        notify_email=case.notify_email,
        closed=case.closed,
        awaits=tuple(awaits),
        at=draft.now,
    )


def _list(draft: Draft, number: str, person_id: str) -> None:
    name = number_name(number)
    entry = draft.get(name, NumberEntry) or NumberEntry()
    if person_id not in entry.people and len(entry.people) < MAX_SHARING:
        draft.put(name, entry.model_copy(update={"people": (*entry.people, person_id)}))


def _unlist(draft: Draft, number: str, person_id: str) -> None:
    """An entry that was asked is kept: nobody is asked twice for one case."""
    name = number_name(number)
    entry = draft.get(name, NumberEntry)
    if entry is None:
        return
    people = tuple(one for one in entry.people if one != person_id)
    if people or entry.asked:
        draft.put(name, entry.model_copy(update={"people": people}))
    else:
        draft.remove(name)


def _ask_for_opt_in(draft: Draft, person_id: str, party: PartyEntry, number: str) -> None:
    """Once for a case and number, at the moment at which the party is due a text and can get one.
    The gate refuses what is not needed."""
    case = draft.case
    if case.launched is None or case.closed:
        return
    name = number_name(number)
    entry = draft.get(name, NumberEntry) or NumberEntry()
    if entry.asked or not is_due_a_text(draft, person_id, party):
        return
    digest = _hash(f"{draft.tenant_id}\0{draft.case_id}\0{number}")
    event = ConsentEvent(
        event_id=f"case-ask-{digest}",
        tenant=draft.tenant_id,
        number=number,
        action=ConsentAction.ASK,
        source=ConsentSource.MANUAL,
        at=draft.now,
        evidence=Evidence(actor=ASKED_BY, text=f"party of case {draft.case_id}"),
    )
    draft.publish(CONSENT_EVENTS, event)
    draft.put(name, entry.model_copy(update={"asked": True}))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
