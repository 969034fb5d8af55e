"""Which tenants a text was meant for, when several share the sender.

- STOP, or a revocation in other words: every tenant that texted the number from here; if none is known to have, every
  tenant that shares the sender.
- START or YES: every tenant whose ask is unanswered; if there is none, the one that texted last.  Never more: a yes is
  given to somebody.
- Anything else: the one that texted last.

A sender of one tenant has no such question: all is that tenant's.  It may have been another's before, though, and
what they answer may be an older text: a STOP goes to whoever texted them from here as well, and a yes to those whose
ask is unanswered, not to somebody who never asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from streams.inbound_keywords import Meaning
from streams.inbox.state import Contacts

Tenants = tuple[str, ...]


def meant_for(meant: Meaning, contacts: Contacts, shared_by: Tenants) -> Tenants:
    """`shared_by` is empty where the sender is unknown; the answer is empty where nobody can be named."""
    if len(shared_by) == 1:
        return _BEFORE.get(meant, _nobody)(contacts, shared_by) or shared_by
    return _RULES.get(meant, texted_last)(contacts, shared_by)


def _all_who_texted(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return tuple(sorted(contacts)) or shared_by


def _all_who_asked(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return _whose_ask_stands(contacts, shared_by) or texted_last(contacts, shared_by)


def texted_last(contacts: Contacts, shared_by: Tenants) -> Tenants:
    """Two at the same instant: the one whose name comes last, so that every replay agrees."""
    return tuple(sorted(contacts, key=lambda tenant: (contacts[tenant].last, tenant))[-1:])


def _nobody(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return ()


def _whose_ask_stands(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return tuple(sorted(tenant for tenant, contact in contacts.items() if contact.asked))


def _asked_before(contacts: Contacts, shared_by: Tenants) -> Tenants:
    """Once its tenant has texted them as well, an older ask is not what they answer."""
    own = contacts.get(shared_by[0])
    asked = _whose_ask_stands(contacts, shared_by)
    return tuple(
        tenant for tenant in asked if own is None or own.asked or contacts[tenant].last > own.last
    )


def _texted_before(contacts: Contacts, shared_by: Tenants) -> Tenants:
    return tuple(sorted({*contacts, *shared_by}))


_BEFORE: Final[dict[Meaning, Callable[[Contacts, Tenants], Tenants]]] = {
    Meaning.STOP: _texted_before,
    Meaning.REVOKE: _texted_before,
    Meaning.START: _asked_before,
    Meaning.YES: _asked_before,
}
"""For a sender of one tenant: whom else it concerns."""

_RULES: Final[dict[Meaning, Callable[[Contacts, Tenants], Tenants]]] = {
    Meaning.STOP: _all_who_texted,
    Meaning.REVOKE: _all_who_texted,
    Meaning.START: _all_who_asked,
    Meaning.YES: _all_who_asked,
}
