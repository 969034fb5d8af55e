"""What the inbox remembers of a number at a sender: `contact/<tenant>`, `in/<provider id>`
and `unmonitored`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from schemas.inbound import Contact
from streams.processing import StateEntry, StateStore

CONTACT: Final = "contact/"
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ContactEntry(StateEntry, rename={"awaits_opt_in": "asked"}):
    """When a tenant texted this number last.  The stored JSON has an older name (`rename`)."""

    last: datetime
    """When its latest text was ordered."""
    awaits_opt_in: bool = False
    """Its opt-in request is unanswered."""
    before: datetime | None = None
    """Then: when its latest text was ordered that is not such a request."""
    stopped: bool = False
    """They wrote STOP to it here, and no START since."""


Contacts = Mapping[str, ContactEntry]
"""By tenant."""


def load_contacts(state: StateStore) -> Contacts:
    entries = (
        (name.removeprefix(CONTACT), state.get(name, ContactEntry)) for name in state.names(CONTACT)
    )
    return {tenant: entry for tenant, entry in entries if entry is not None}


def apply_contact(known: ContactEntry | None, contact: Contact) -> ContactEntry:
    """An opt-in request stays unanswered until a keyword answers it, whatever else the tenant
    sends, or until it fails.

    A request that failed is undone: the tenant is no longer the one that texted last.  It stays one
    that texted, though, because the request may have arrived after all, and a STOP may be meant for
    it."""
    known = known or ContactEntry(last=NEVER)
    stopped = known.stopped
    if contact.unasked:
        if not known.awaits_opt_in:
            return known
        return ContactEntry(last=known.before or NEVER, stopped=stopped)
    last = max(known.last, contact.at)
    if contact.asked:
        before = known.before if known.awaits_opt_in else known.last
        return ContactEntry(last=last, awaits_opt_in=True, before=before, stopped=stopped)
    if known.awaits_opt_in:
        return ContactEntry(last=last, awaits_opt_in=True, before=contact.at, stopped=stopped)
    return ContactEntry(last=last, stopped=stopped)
