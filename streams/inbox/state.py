"""What the inbox remembers of a number at a sender: `contact/<tenant>`, `in/<provider id>`
and `unmonitored`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.inbound import Contact
from streams.processing import StateEntry, StateStore

CONTACT: Final = "contact/"
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_MARGIN: Final = timedelta(seconds=5)
"""A text that left so much later than a reply came may have left before it: dispatch's clock may be
ahead of the broker's."""
REMEMBERED: Final = 3
"""The latest texts, and the latest opt-in requests, that may turn out not to have been taken."""


class LeftText(StateEntry):
    """A text that left: its call was about to be made."""

    at: datetime
    asked: bool = False
    """It is an opt-in request, and unanswered."""


class ContactEntry(StateEntry, rename={"awaits_opt_in": "asked"}):
    """What a tenant texted this number.  The stored JSON has an older name (`rename`).

    `last`, `awaits_opt_in` and `before` follow from `left`.  Versions that only knew of orders read
    and wrote them alone."""

    last: datetime
    """When its latest text left."""
    awaits_opt_in: bool = False
    """Its opt-in request has left and is unanswered."""
    before: datetime | None = None
    """Then: when its latest text left that is not such a request."""
    stopped: bool = False
    """They wrote STOP to it here, and no START since."""
    is_new: bool = False
    """Nothing of it has ever left here but what `left` has.  It may be ordered, though."""
    left: tuple[LeftText, ...] = ()
    """Its latest texts that left, the oldest first."""

    @property
    def has_texted(self) -> bool:
        return bool(self.left) or not self.is_new


Contacts = Mapping[str, ContactEntry]
"""By tenant."""


def load_contacts(state: StateStore) -> Contacts:
    entries = (
        (name.removeprefix(CONTACT), state.get(name, ContactEntry)) for name in state.names(CONTACT)
    )
    return {tenant: entry for tenant, entry in entries if entry is not None}


def read_contacts_by(contacts: Contacts, at: datetime) -> Contacts:
    """As they were when a reply came: what left later is not what it answers.

    A text may lie here for long, or be replayed, before it is read."""
    return {tenant: _read_by(entry, at) for tenant, entry in contacts.items()}


def _read_by(entry: ContactEntry, at: datetime) -> ContactEntry:
    return _rebuild(entry, (one for one in read_left(entry) if _had_left(one, at)))


def _had_left(text: LeftText, at: datetime) -> bool:
    return text.at <= at + CLOCK_MARGIN


def read_left(entry: ContactEntry) -> tuple[LeftText, ...]:
    """Of an entry of a version that kept no list, the times that it had."""
    if entry.left:
        return entry.left
    latest = entry.before if entry.awaits_opt_in else entry.last
    texts = [LeftText(at=latest)] if latest and latest > NEVER else []
    if entry.awaits_opt_in:
        texts.append(LeftText(at=entry.last, asked=True))
    return tuple(texts)


def apply_contact(known: ContactEntry | None, contact: Contact) -> ContactEntry:
    """An opt-in request stays unanswered until a keyword answers it, whatever else the tenant
    sends, or until it fails.

    A request that failed is undone: the tenant is no longer the one that texted last.  It stays one
    that texted, though, because the request may have arrived after all.  A text that was surely not
    taken is as if it had never left.  A STOP may be meant for either, and for what is ordered."""
    known = known or ContactEntry(last=NEVER, is_new=True)
    if contact.queued:
        return known
    left = read_left(known)
    if contact.unasked:
        others = tuple(one for one in left if not one.asked)
        has_texted = known.model_copy(update={"is_new": False})
        return known if len(others) == len(left) else _rebuild(has_texted, others)
    text = LeftText(at=contact.at, asked=contact.asked)
    if contact.untaken:
        return _rebuild(known, _without(left, text)) if text in left else known
    return _rebuild(known, (*left, text))


def apply_answer(entry: ContactEntry, at: datetime, *, stopped: bool) -> ContactEntry:
    """What had left when the reply came is answered by it."""
    left = (LeftText(at=one.at) if _had_left(one, at) else one for one in read_left(entry))
    return _rebuild(entry.model_copy(update={"stopped": stopped}), left)


def _without(left: tuple[LeftText, ...], text: LeftText) -> tuple[LeftText, ...]:
    place = left.index(text)
    return (*left[:place], *left[place + 1 :])


def _keep_latest(left: Iterable[LeftText]) -> tuple[LeftText, ...]:
    found = sorted(left, key=_at)
    texts = [one for one in found if not one.asked][-REMEMBERED:]
    requests = [one for one in found if one.asked][-REMEMBERED:]
    return tuple(sorted((*texts, *requests), key=_at))


def _at(text: LeftText) -> datetime:
    return text.at


def _rebuild(known: ContactEntry, left: Iterable[LeftText]) -> ContactEntry:
    left = tuple(left)
    kept = _keep_latest(left)
    awaits = any(one.asked for one in kept)
    return ContactEntry(
        last=max(map(_at, kept), default=NEVER),
        awaits_opt_in=awaits,
        before=max((one.at for one in kept if not one.asked), default=NEVER) if awaits else None,
        stopped=known.stopped,
        is_new=known.is_new and len(kept) == len(left),
        left=kept,
    )
