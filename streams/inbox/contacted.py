"""What a contact tells of a tenant that texts the number from here."""

from __future__ import annotations

from schemas.contact import Contact
from streams.inbox.state import NEVER, ContactRow


def contacted(known: ContactRow | None, contact: Contact) -> ContactRow:
    """An ask stays unanswered until a keyword answers it, whatever else the tenant sends, or until it has come to
    nothing.  Then it is as if it had never been: its tenant has texted last no longer, but stays one that texted, for
    it may have arrived after all, and a STOP be meant for it."""
    known = known or ContactRow(last=NEVER)
    if contact.unasked:
        return ContactRow(last=known.before or NEVER) if known.asked else known
    last = max(known.last, contact.at)
    if contact.asked:
        return ContactRow(last=last, asked=True, before=known.before if known.asked else known.last)
    return ContactRow(last=last, asked=known.asked, before=contact.at if known.asked else None)
