"""Decide which tenants a text was meant for, when several share the sender.

Theory of operation
-------------------
A number writes to a sender, not to a tenant.  Whose reply it is depends on what the text means:

- STOP, a revocation in other words, or what may be one: every tenant that texted the number from
  here, or whose text is queued.  If none is known to have, every tenant that shares the sender.  A
  STOP too many is better than one too few.
- START or YES: every tenant whose opt-in request had left before the reply came, and is unanswered.
  If there is none, the tenant that texted last.  Never more: consent is given to somebody, and not
  to a tenant whose first text is still queued (docs/decisions/0020).
- Anything else: the tenant that texted last.

A sender of one tenant has no such question: every text is that tenant's.  But the sender may have
been another tenant's before, and the text may answer an older one.  So a STOP also goes to whoever
texted the number from here, and a YES to those whose request is unanswered, not to a tenant that
never sent one.

What a text means depends on the tenant, because each has its own keywords and locales.  We classify
it for each of them.  The strongest meaning decides whose it is; each tenant then acts by its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from schemas.inbound import InboundMessage
from streams.inbound_keywords import (
    Classification,
    Meaning,
    classify_answer,
    classify_inbound,
)
from streams.inbox.state import Contacts
from streams.processing import Settings

Tenants = tuple[str, ...]
Meanings = Mapping[str, Classification]
"""By tenant."""

STRONGEST_FIRST: Final = (
    Meaning.STOP,
    Meaning.REVOKE,
    Meaning.POSSIBLE,
    Meaning.START,
    Meaning.YES,
    Meaning.HELP,
    Meaning.NONE,
)


STOPS: Final = frozenset({Meaning.STOP, Meaning.REVOKE})


def classify(
    inbound: InboundMessage, tenants: Iterable[str], contacts: Contacts, settings: Settings
) -> Meanings:
    """A "no" means more to a tenant whose opt-in request is unanswered."""
    meanings = {}
    for tenant in sorted(set(tenants)):
        found = classify_inbound(inbound, settings.tenants.get(tenant))
        contact = contacts.get(tenant)
        if contact is not None and contact.awaits_opt_in:
            found = classify_answer(found, inbound.body)
        meanings[tenant] = found
    return meanings


def strongest_meaning(meanings: Meanings, inbound: InboundMessage) -> Meaning:
    found = {one.meaning for one in meanings.values()} or {classify_inbound(inbound).meaning}
    return min(found, key=STRONGEST_FIRST.index)


def select_confirming(
    meanings: Meanings, tenants: Tenants, contacts: Contacts, settings: Settings
) -> str | None:
    """Of several tenants that one text stops, the one that confirms it: who texted last, if its
    settings say how.  None: each confirms its own.

    Where they wrote STOP before, nothing changes, and nothing would be confirmed."""
    stopped = [tenant for tenant in tenants if meanings[tenant].meaning in STOPS]
    known = [tenant for tenant in stopped if tenant in settings.tenants]
    if len(stopped) < 2 or not known:
        return None
    texted = {tenant: contacts[tenant] for tenant in known if tenant in contacts}
    going_on = {tenant: entry for tenant, entry in texted.items() if not entry.stopped}
    return (_by_last_text(going_on or texted) or (known[0],))[-1]


def select_tenants(meaning: Meaning, contacts: Contacts, shared_by: Tenants) -> Tenants:
    """`shared_by` is empty where the sender is unknown; the result is empty where nobody can be
    named."""
    if len(shared_by) == 1:
        return _BEFORE.get(meaning, _nobody)(contacts, shared_by) or shared_by
    return _RULES.get(meaning, last_texter)(contacts, shared_by)


def last_texter(contacts: Contacts, shared_by: Tenants) -> Tenants:
    """Nobody, where nothing has left yet."""
    texted = {tenant: contact for tenant, contact in contacts.items() if contact.has_texted}
    return _by_last_text(texted)[-1:]


def _by_last_text(contacts: Contacts) -> Tenants:
    """Of two at the same instant the last by name, so that every replay agrees."""
    return tuple(sorted(contacts, key=lambda tenant: (contacts[tenant].last, tenant)))


def _all_texters(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return tuple(sorted(contacts)) or shared_by


def _all_awaiting(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return _awaiting(contacts) or last_texter(contacts, shared_by)


def _awaiting(contacts: Contacts) -> Tenants:
    return tuple(sorted(tenant for tenant, contact in contacts.items() if contact.awaits_opt_in))


def _nobody(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return ()


def _awaiting_before(contacts: Contacts, shared_by: Tenants) -> Tenants:
    """Once the sender's tenant has texted them as well, an older request is not what they
    answer."""
    own = contacts.get(shared_by[0])
    if own is None or own.awaits_opt_in:
        return _awaiting(contacts)
    return tuple(tenant for tenant in _awaiting(contacts) if contacts[tenant].last > own.last)


def _texters_before(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return tuple(sorted({*contacts, *shared_by}))


_BEFORE: Final[dict[Meaning, Callable[[Contacts, Tenants], Tenants]]] = {
    Meaning.STOP: _texters_before,
    Meaning.REVOKE: _texters_before,
    Meaning.POSSIBLE: _texters_before,
    Meaning.START: _awaiting_before,
    Meaning.YES: _awaiting_before,
}
"""For a sender of one tenant: whose text it is, if not only that tenant's."""

_RULES: Final[dict[Meaning, Callable[[Contacts, Tenants], Tenants]]] = {
    Meaning.STOP: _all_texters,
    Meaning.REVOKE: _all_texters,
    Meaning.POSSIBLE: _all_texters,
    Meaning.START: _all_awaiting,
    Meaning.YES: _all_awaiting,
}
