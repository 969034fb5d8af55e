"""Whether a text to a sender that nobody reads is told so: seldom, and never in a loop.

Two machines must not keep each other talking.  So one number at one sender gets at most one such
answer in 24 hours, whatever it writes and whichever tenant it writes to.  Numbers that may be
machines get none: short codes, names, addresses, and the senders of this installation.  Whether the
number may be texted at all, the gate decides.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.inbound import InboundMessage
from schemas.numbers import e164
from schemas.sender import SHORT
from streams.inbound_keywords import Classification, Meaning, is_soft_yes
from streams.inbound_keywords.own_words import own_words
from streams.inbox.reply_routing import Meanings, Tenants
from streams.inbox.state import ContactEntry, Contacts
from streams.processing import InputRecord, Settings, StateEntry, StateStore

UNMONITORED: Final = "unmonitored"
"""The entry's name."""
EVERY: Final = timedelta(hours=24)
_NUMBER: Final = re.compile(rf"\+[0-9]{{{SHORT + 1},15}}", re.ASCII)


class UnmonitoredEntry(StateEntry):
    """When such an answer was due last."""

    at_ms: int
    """When the text was appended."""


def tell_unmonitored(
    state: StateStore,
    record: InputRecord,
    address: str,
    meanings: Meanings,
    tenants: Tenants,
    contacts: Contacts,
    settings: Settings,
) -> UnmonitoredEntry | None:
    """The entry to note, if the tenant is to say that nobody reads this.  `address`: the sender."""
    inbound: InboundMessage = record.value
    if len(tenants) != 1 or not _is_unmonitored(address, tenants[0], settings):
        return None
    [tenant] = tenants
    is_told = (
        _is_due(state, record.at_ms)
        and _wants_answer(inbound, meanings[tenant], contacts.get(tenant))
        and _may_be_person(inbound.number, settings)
    )
    return UnmonitoredEntry(at_ms=record.at_ms) if is_told else None


def forget_unmonitored_at(entry: UnmonitoredEntry) -> datetime:
    return datetime.fromtimestamp(entry.at_ms / 1000, UTC) + EVERY


def _is_unmonitored(address: str, tenant: str, settings: Settings) -> bool:
    """As the sender has it, else the tenant."""
    sender = settings.senders.get(address)
    if sender is None:
        return False
    if sender.unmonitored is not None:
        return sender.unmonitored
    known = settings.tenants.get(tenant)
    return known is not None and known.unmonitored


def _is_due(state: StateStore, at_ms: int) -> bool:
    last = state.get(UNMONITORED, UnmonitoredEntry)
    return last is None or at_ms - last.at_ms >= EVERY // timedelta(milliseconds=1)


def _wants_answer(
    inbound: InboundMessage, found: Classification, contact: ContactEntry | None
) -> bool:
    """Not a keyword, not what may be an opt-out, and nothing that is answered otherwise."""
    if found.meaning is not Meaning.NONE:
        return False
    if contact is not None and contact.awaits_opt_in and is_soft_yes(inbound.body):
        return False
    return not own_words(inbound.body).reaction


def _may_be_person(number: str, settings: Settings) -> bool:
    """Neither a machine by its form nor a sender of ours."""
    identity = e164(number)
    if _NUMBER.fullmatch(identity) is None:
        return False
    return identity not in {e164(sender) for sender in settings.senders}
