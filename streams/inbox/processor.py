"""Remember who texts a number from a sender, and turn inbound texts into replies to the right
tenants.

The entity key is a number at a sender.  `streams.inbox.reply_routing` says how we decide whose
reply a text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentAction, ConsentEvent
from schemas.dead_letter import DeadLetterCause
from schemas.inbound import Contact, InboundMessage, Reply
from schemas.numbers import e164
from schemas.sender import is_messaging_service
from schemas.topics import CONSENT_EVENTS, CONTACTS, REPLIES
from streams.dedup import DedupEntry, dedup_name, forget_at, is_duplicate
from streams.inbound_keywords import Classification, Meaning
from streams.inbox.reply_routing import (
    Meanings,
    Tenants,
    classify,
    last_texter,
    select_confirming,
    select_tenants,
    strongest_meaning,
)
from streams.inbox.state import (
    CONTACT,
    ContactEntry,
    Contacts,
    apply_answer,
    apply_contact,
    load_contacts,
    read_contacts_by,
    read_left,
)
from streams.inbox.unmonitored import UNMONITORED, forget_unmonitored_at, tell_unmonitored
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    PartitionAcquired,
    Process,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    UnreadableRecord,
    build_dead_letter,
)

OPT_INS: Final = frozenset({Meaning.START, Meaning.YES})
ANSWERS: Final = OPT_INS | {Meaning.STOP, Meaning.REVOKE}
"""Each of them answers an opt-in request."""

MAX_CHARACTERS: Final = 64_000
"""Of one inbound text and what comes with it; Twilio's limit is 1,600."""

UNROUTED: Final = "aside"
"""Begins the names of entries for texts that were nobody's."""

NOBODY: Final = {
    True: (
        DeadLetterCause.NOBODY_TEXTED,
        "nobody is known to have texted this number from this shared sender",
    ),
    False: (
        DeadLetterCause.UNKNOWN_SENDER,
        "the sender it came to is not known: apply it, then replay this record",
    ),
}
"""By whether the sender is known: the dead letter's cause and reason."""

_ENTITY_KEY: Final = re.compile(r"(.{1,128})/([^/]{3,64})")
"""An unreadable record's key may be anything; only a number can be blocked."""


_NUMBER: Final = re.compile(r"\+[0-9]{3,15}", re.ASCII)


def is_former_contact_key(entity_key: str) -> bool:
    """Whether a version before kept it under a writing that is not the number's identity."""
    number = entity_key.rpartition("/")[2]
    return e164(number) != number


def inbox(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    return _HANDLERS[type(record.value)](state, record, now, settings)


def inbox_on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """Ids of inbound texts are forgotten, and when we last said that nobody reads them."""
    return StepResult({name: None})


def _on_contact(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    contact: Contact = record.value
    name = CONTACT + contact.tenant
    known = state.get(name, ContactEntry)
    after = apply_contact(known, contact)
    return NO_CHANGE if after == known else StepResult({name: after})


def _on_acquired(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """The contacts of another writing go to the number's own key.  Ids of inbound texts stay: the
    gate knows those that count."""
    sender, _, written = state.entity_key.rpartition("/")
    moved: list[Publication] = []
    contacts = load_contacts(state)
    for tenant, entry in contacts.items():
        contact = Contact(sender=sender, number=e164(written), tenant=tenant, at=entry.last)
        texts = [{"asked": text.asked, "at": text.at} for text in read_left(entry)]
        moved += [
            Publication(CONTACTS, contact.model_copy(update=known))
            for known in texts or [{"queued": True}]
        ]
    return StepResult({CONTACT + tenant: None for tenant in contacts}, tuple(moved))


def _on_inbound(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A repeat, by the provider's id, changes nothing: providers call a webhook again.

    A text that was nobody's is tried again when it is repeated, because it may be somebody's now.
    It keeps the time of its first record, by which consent is dated."""
    inbound: InboundMessage = record.value
    if len(inbound.body) + len(inbound.provider_id) + sum(map(len, inbound.media)) > MAX_CHARACTERS:
        reason = "no phone sends a text of this size"
        return StepResult(
            publish=(build_dead_letter("inbox", record, now, DeadLetterCause.TOO_LARGE, reason),)
        )
    name = dedup_name("in", inbound.provider_id)
    if is_duplicate(state, name):
        return NO_CHANGE
    unrouted = dedup_name(UNROUTED, inbound.provider_id)
    before = state.get(unrouted, DedupEntry)
    if before:
        record = record._replace(at_ms=min(record.at_ms, before.at_ms))
    address = _sender_of(inbound, settings)
    sender = settings.senders.get(address)
    shared_by = sender.tenants if sender else ()
    known = load_contacts(state)
    contacts = read_contacts_by(known, record.at)
    meanings = classify(inbound, (*contacts, *shared_by), contacts, settings)
    meaning = strongest_meaning(meanings, inbound)
    tenants = select_tenants(meaning, contacts, shared_by)
    confirming = select_confirming(meanings, tenants, contacts, settings)
    unread = tell_unmonitored(state, record, address, meanings, tenants, contacts, settings)
    routed = RoutedText(record, address, meanings, confirming, contacts, unread is not None)
    replies = _build_publications(routed, tenants)
    if not replies:
        return NO_CHANGE if before else _refuse(unrouted, record, now, sender is not None)
    changes: dict[str, StateEntry | None] = {name: DedupEntry(at_ms=record.at_ms)}
    if before:
        changes[unrouted] = None
    changes |= _record_answers(known, tenants, meanings, record.at)
    timers: dict[str, datetime | None] = {name: forget_at(now, for_good=meaning in OPT_INS)}
    if unread is not None:
        changes[UNMONITORED] = unread
        timers[UNMONITORED] = forget_unmonitored_at(unread)
    return StepResult(changes, replies, timers)


def _sender_of(inbound: InboundMessage, settings: Settings) -> str:
    """The sender as we know it.

    Twilio puts US long codes into a messaging service, and then names the service beside the
    number.  We may not use that service: then the number itself is the sender."""
    if inbound.sender not in settings.senders and inbound.to_address in settings.senders:
        return inbound.to_address
    return inbound.sender


def _refuse(name: str, record: InputRecord, now: datetime, is_known: bool) -> StepResult:
    """One dead letter, however often the provider calls the webhook."""
    letter = build_dead_letter("inbox", record, now, *NOBODY[is_known])
    entry = DedupEntry(at_ms=record.at_ms)
    return StepResult({name: entry}, (letter,), {name: forget_at(now, for_good=False)})


def _record_answers(
    known: Contacts, tenants: Iterable[str], meanings: Meanings, at: datetime
) -> dict[str, StateEntry]:
    """Opt-in requests are answered, and tenants stopped or started."""
    answered = {
        tenant: apply_answer(known[tenant], at, stopped=meanings[tenant].meaning not in OPT_INS)
        for tenant in tenants
        if tenant in known and meanings[tenant].meaning in ANSWERS
    }
    return {CONTACT + tenant: entry for tenant, entry in answered.items() if entry != known[tenant]}


class RoutedText(NamedTuple):
    """An inbound text, and what is known of it."""

    record: InputRecord
    sender: str
    """As we know it."""
    meanings: Meanings
    confirming: str | None
    """The tenant that confirms a STOP for all; None: each confirms its own."""
    contacts: Contacts
    is_unread: bool
    """It is time to say that nobody reads what comes to this sender."""


def _build_publications(routed: RoutedText, tenants: Tenants) -> tuple[Publication, ...]:
    """What somebody writes to one tenant is not for another to read.

    Where a text counts for several tenants, the one that texted last gets the whole of it.  The
    others get only a bare keyword, or the words that revoke or may revoke."""
    inbound: InboundMessage = routed.record.value
    readers = last_texter(routed.contacts, tenants) if len(tenants) > 1 else tenants
    published = []
    for tenant in tenants:
        found = routed.meanings[tenant]
        if tenant in readers:
            published.append(_build_reply(routed, tenant, inbound.body, inbound.media))
        elif found.meaning is Meaning.POSSIBLE:
            published.append(_build_question(routed, tenant, found))
        elif body := _keyword_only(found, inbound):
            published.append(_build_reply(routed, tenant, body))
    return tuple(published)


def _keyword_only(answered: Classification, inbound: InboundMessage) -> str:
    if answered.meaning in (Meaning.REVOKE, Meaning.NONE):
        return answered.words
    return inbound.body


def _build_reply(
    routed: RoutedText, tenant: str, body: str, media: tuple[str, ...] = ()
) -> Publication:
    record = routed.record
    inbound: InboundMessage = record.value
    contact = routed.contacts.get(tenant)
    reply = Reply(
        tenant=tenant,
        number=inbound.number,
        sender=routed.sender,
        provider_id=inbound.provider_id,
        body=body,
        media=media,
        carrier_stop=inbound.carrier_stop,
        carrier_keyword=inbound.carrier_keyword,
        confirmed_by=routed.confirming,
        to_address=inbound.to_address if is_messaging_service(routed.sender) else None,
        unmonitored=routed.is_unread or None,
        after_request=(contact is not None and contact.awaits_opt_in) or None,
        received_at=inbound.received_at,
        appended_at=record.at,
        evidence=record.evidence,
    )
    return Publication(REPLIES, reply)


def _build_question(routed: RoutedText, tenant: str, found: Classification) -> Publication:
    """What may be a STOP pauses the texts of a tenant that must not read all of it.

    The words alone may mean less than the text, so this says what the text was taken for."""
    record = routed.record
    inbound: InboundMessage = record.value
    event = ConsentEvent(
        event_id=record.event_id,
        tenant=tenant,
        number=inbound.number,
        sender=routed.sender,
        action=ConsentAction.MAYBE_REVOKED,
        source=record.topic,
        at=record.at,
        evidence=record.evidence.model_copy(update={"text": found.words or None}),
        read_by=found.by,
    )
    return Publication(CONSENT_EVENTS, event)


def _on_unreadable(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A text that we cannot read may be a STOP, so we block the number for every tenant that a STOP
    would go to.

    If the key names no number, or no sender that we know, there is only the dead letter."""
    key = _ENTITY_KEY.fullmatch(state.entity_key)
    number = e164(key[2]) if key else ""
    if key is None or not _NUMBER.fullmatch(number):
        return StepResult()
    sender = key[1]
    known = settings.senders.get(sender)
    shared_by = known.tenants if known else ()
    tenants = select_tenants(Meaning.STOP, load_contacts(state), shared_by)
    return StepResult(
        publish=tuple(_build_block(tenant, sender, number, record) for tenant in tenants)
    )


def _build_block(tenant: str, sender: str, number: str, record: InputRecord) -> Publication:
    event = ConsentEvent(
        event_id=record.event_id,
        tenant=tenant,
        number=number,
        sender=sender,
        action=ConsentAction.UNREADABLE,
        source=record.topic,
        at=record.at,
        evidence=record.evidence,
    )
    return Publication(CONSENT_EVENTS, event)


_HANDLERS: Final[dict[type[Any], Process]] = {
    Contact: _on_contact,
    InboundMessage: _on_inbound,
    UnreadableRecord: _on_unreadable,
    PartitionAcquired: _on_acquired,
}
