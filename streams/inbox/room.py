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
from streams.answers import Answered, Meaning
from streams.inbox.contacted import contacted
from streams.inbox.meant_for import Tenants, meant_for, texted_last
from streams.inbox.rows import CONTACT, ContactRow, Contacts, contacts_in
from streams.inbox.understood import Readings, readings, strongest
from streams.inbox.unreadable import on_unreadable
from streams.seen import SeenRow, forget_at, seen, seen_row
from streams.set_aside import set_aside
from streams.step import NOTHING, Fact, Fold, Publication, Row, Rows, Settings, Step, Unreadable

OPTS_IN: Final = frozenset({Meaning.START, Meaning.YES})
ANSWERS: Final = OPTS_IN | {Meaning.STOP, Meaning.REVOKE}
"""Each of them answers an ask."""

LONGEST: Final = 64_000
"""Characters of one inbound text and what comes with it; Twilio's limit is 1,600."""

NOBODY: Final = {
    True: ("nobody_texted", "nobody is known to have texted this number from this shared sender"),
    False: ("unknown_sender", "the sender it came to is not known: apply it, then replay this record"),
}
"""By whether the sender is known."""


def inbox(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    return _ANSWERS_TO[type(fact.value)](rows, fact, now, settings)


def inbox_woke(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    """Only ids of inbound texts have wakes."""
    return Step({name: None})


def _on_contact(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    contact: Contact = fact.value
    name = CONTACT + contact.tenant
    return Step({name: contacted(rows.get(name, ContactRow), contact)})


def _on_inbound(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """A repeat, by the provider's id, changes nothing: webhooks are called again."""
    inbound: InboundMessage = fact.value
    if len(inbound.body) + len(inbound.provider_id) + sum(map(len, inbound.media)) > LONGEST:
        return Step(publish=(set_aside("inbox", fact, now, "too_large", "no phone sends a text of this size"),))
    name = seen_row("in", inbound.provider_id)
    if seen(rows, name):
        return NOTHING
    contacts, sender = contacts_in(rows), settings.senders.get(inbound.sender)
    shared_by = sender.tenants if sender else ()
    read = readings(inbound.body, (*contacts, *shared_by), settings)
    meant = strongest(read, inbound.body)
    tenants = meant_for(meant, contacts, shared_by)
    changed: dict[str, Row | None] = {name: SeenRow(at_ms=fact.at_ms)}
    changed |= _answered(contacts, [tenant for tenant in tenants if read[tenant].meaning in ANSWERS])
    replies = _replies(tenants, fact, read, contacts)
    publish = replies or (set_aside("inbox", fact, now, *NOBODY[sender is not None]),)
    return Step(changed, publish, {name: forget_at(now, for_good=meant in OPTS_IN)})


def _answered(contacts: Contacts, tenants: Iterable[str]) -> dict[str, Row]:
    asked = ((tenant, contacts[tenant]) for tenant in tenants if tenant in contacts and contacts[tenant].asked)
    return {CONTACT + tenant: ContactRow(last=row.last) for tenant, row in asked}


def _replies(tenants: Tenants, fact: Fact, read: Readings, contacts: Contacts) -> tuple[Publication, ...]:
    """What somebody writes to one tenant is no other's to read: where it counts for several, those that did not text
    last get a bare keyword, or the words that revoke and no more."""
    written_to = texted_last(contacts, tenants) if len(tenants) > 1 else tenants
    inbound: InboundMessage = fact.value
    told = ((tenant, _overheard(read[tenant], inbound)) for tenant in tenants if tenant not in written_to)
    overheard = {tenant: _reply(tenant, fact, body) for tenant, body in told if body}
    whole = {tenant: _reply(tenant, fact, inbound.body, inbound.media) for tenant in written_to}
    return tuple((overheard | whole)[tenant] for tenant in tenants if tenant in overheard or tenant in whole)


def _overheard(answered: Answered, inbound: InboundMessage) -> str:
    return answered.words if answered.meaning in (Meaning.REVOKE, Meaning.NONE) else inbound.body


def _reply(tenant: str, fact: Fact, body: str, media: tuple[str, ...] = ()) -> Publication:
    inbound: InboundMessage = fact.value
    reply = Reply(
        tenant=tenant,
        number=inbound.number,
        sender=inbound.sender,
        provider_id=inbound.provider_id,
        body=body,
        media=media,
        received_at=inbound.received_at,
        appended_at=fact.at,
        evidence=Evidence(topic=fact.topic, partition=fact.partition, offset=fact.offset),
    )
    return Publication(REPLIES, reply)


_ANSWERS_TO: Final[dict[type[Any], Fold]] = {
    Contact: _on_contact,
    InboundMessage: _on_inbound,
    Unreadable: on_unreadable,
}
