"""The inbox's fold: contacts are noted, inbound texts become replies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from schemas.base import Evidence
from schemas.contact import Contact
from schemas.inbound_message import InboundMessage
from schemas.reply import Reply
from schemas.topics import REPLIES
from streams.dead_letters import build_dead_letter
from streams.dedup import DedupEntry, dedup_name, forget_at, is_duplicate
from streams.inbound_keywords import Answered, Meaning
from streams.inbox.contacted import contacted
from streams.inbox.meant_for import Tenants, meant_for, texted_last
from streams.inbox.state import CONTACT, ContactRow, Contacts, contacts_in
from streams.inbox.understood import Readings, readings, strongest
from streams.inbox.unreadable import on_unreadable
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Process,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    UnreadableRecord,
)

OPTS_IN: Final = frozenset({Meaning.START, Meaning.YES})
ANSWERS: Final = OPTS_IN | {Meaning.STOP, Meaning.REVOKE}
"""Each of them answers an ask."""

LONGEST: Final = 64_000
"""Characters of one inbound text and what comes with it; Twilio's limit is 1,600."""

ASIDE: Final = "aside"
"""Rows of texts that were nobody's."""

NOBODY: Final = {
    True: ("nobody_texted", "nobody is known to have texted this number from this shared sender"),
    False: (
        "unknown_sender",
        "the sender it came to is not known: apply it, then replay this record",
    ),
}
"""By whether the sender is known."""


def inbox(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    return _ANSWERS_TO[type(record.value)](state, record, now, settings)


def inbox_woke(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    """Only ids of inbound texts have wakes."""
    return StepResult({name: None})


def _on_contact(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    contact: Contact = record.value
    name = CONTACT + contact.tenant
    return StepResult({name: contacted(state.get(name, ContactRow), contact)})


def _on_inbound(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A repeat, by the provider's id, changes nothing: webhooks are called again.  What was nobody's is looked at
    again, for it may be somebody's now, and is as old as it was."""
    inbound: InboundMessage = record.value
    if len(inbound.body) + len(inbound.provider_id) + sum(map(len, inbound.media)) > LONGEST:
        return StepResult(
            publish=(
                build_dead_letter(
                    "inbox", record, now, "too_large", "no phone sends a text of this size"
                ),
            )
        )
    name = dedup_name("in", inbound.provider_id)
    if is_duplicate(state, name):
        return NO_CHANGE
    aside = dedup_name(ASIDE, inbound.provider_id)
    before = state.get(aside, DedupEntry)
    record = record._replace(at_ms=min(record.at_ms, before.at_ms)) if before else record
    texted_to = _texted_to(inbound, settings)
    contacts, sender = contacts_in(state), settings.senders.get(texted_to)
    shared_by = sender.tenants if sender else ()
    read = readings(inbound, (*contacts, *shared_by), settings)
    meant = strongest(read, inbound)
    tenants = meant_for(meant, contacts, shared_by)
    publish = _replies(tenants, record, read, contacts, texted_to)
    if not publish:
        return NO_CHANGE if before else _nobodys(aside, record, now, sender is not None)
    changed: dict[str, StateEntry | None] = {name: DedupEntry(at_ms=record.at_ms)} | (
        {aside: None} if before else {}
    )
    changed |= _answered(
        contacts, [tenant for tenant in tenants if read[tenant].meaning in ANSWERS]
    )
    return StepResult(changed, publish, {name: forget_at(now, for_good=meant in OPTS_IN)})


def _texted_to(inbound: InboundMessage, settings: Settings) -> str:
    """The sender as we know it.  A number that we text from may be in the pool of a messaging service that we do not
    use (US long codes have to be in one): then the provider names that service beside it."""
    if inbound.sender not in settings.senders and inbound.to_address in settings.senders:
        return inbound.to_address
    return inbound.sender


def _nobodys(name: str, record: InputRecord, now: datetime, is_known: bool) -> StepResult:
    """Set aside once, however often the webhook is called."""
    letter = build_dead_letter("inbox", record, now, *NOBODY[is_known])
    return StepResult(
        {name: DedupEntry(at_ms=record.at_ms)}, (letter,), {name: forget_at(now, for_good=False)}
    )


def _answered(contacts: Contacts, tenants: Iterable[str]) -> dict[str, StateEntry]:
    asked = (
        (tenant, contacts[tenant])
        for tenant in tenants
        if tenant in contacts and contacts[tenant].asked
    )
    return {CONTACT + tenant: ContactRow(last=row.last) for tenant, row in asked}


def _replies(
    tenants: Tenants, record: InputRecord, read: Readings, contacts: Contacts, sender: str
) -> tuple[Publication, ...]:
    """What somebody writes to one tenant is no other's to read: where it counts for several, those that did not text
    last get a bare keyword, or the words that revoke and no more."""
    written_to = texted_last(contacts, tenants) if len(tenants) > 1 else tenants
    inbound: InboundMessage = record.value
    told = (
        (tenant, _overheard(read[tenant], inbound))
        for tenant in tenants
        if tenant not in written_to
    )
    overheard = {tenant: _reply(tenant, sender, record, body) for tenant, body in told if body}
    whole = {
        tenant: _reply(tenant, sender, record, inbound.body, inbound.media) for tenant in written_to
    }
    return tuple(
        (overheard | whole)[tenant] for tenant in tenants if tenant in overheard or tenant in whole
    )


def _overheard(answered: Answered, inbound: InboundMessage) -> str:
    return answered.words if answered.meaning in (Meaning.REVOKE, Meaning.NONE) else inbound.body


def _reply(
    tenant: str, sender: str, record: InputRecord, body: str, media: tuple[str, ...] = ()
) -> Publication:
    inbound: InboundMessage = record.value
    reply = Reply(
        tenant=tenant,
        number=inbound.number,
        sender=sender,
        provider_id=inbound.provider_id,
        body=body,
        media=media,
        carrier_stop=inbound.carrier_stop,
        received_at=inbound.received_at,
        appended_at=record.at,
        evidence=Evidence(topic=record.topic, partition=record.partition, offset=record.offset),
    )
    return Publication(REPLIES, reply)


_ANSWERS_TO: Final[dict[type[Any], Process]] = {
    Contact: _on_contact,
    InboundMessage: _on_inbound,
    UnreadableRecord: on_unreadable,
}
