"""What the provider's list says about a text in doubt.

The provider has no idempotency key, so an entry is told apart by who it belongs to: one whose id we know belongs to an
attempt that was accepted.  Among entries with our words that nobody owns, and our attempts with these words of which
nobody knows what became, numbers decide; what they do not decide stays in doubt rather than guessed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from schemas.numbers import e164
from streams.dispatch.calls import Entry
from streams.dispatch.words import plain


class Found(NamedTuple):
    """It was taken, as this entry."""

    entry: Entry
    why: str


class Absent(NamedTuple):
    """It was never taken: every entry belongs to another attempt."""

    why: str


class Unclear(NamedTuple):
    why: str


Verdict = Found | Absent | Unclear


class Open(NamedTuple):
    """Our attempts to one number with the same words that are in doubt or under way, in the order in which they were
    called, and which of them is asked about."""

    sender: str
    body: str
    place: int
    alike: int


def weigh(entries: Sequence[Entry], known: Collection[str], asked: Open) -> Verdict:
    """`known`: the provider's ids of our accepted attempts to that number."""
    unknown = [entry for entry in entries if entry.provider_id not in known]
    words = plain(asked.body)
    ours = [entry for entry in unknown if plain(entry.body) == words and _from(entry, asked.sender)]
    listed = f"{len(entries)} listed, {len(entries) - len(unknown)} of them of other attempts"
    if ours and len(ours) >= asked.alike:
        ours.sort(key=lambda entry: (entry.created_at, entry.provider_id))
        return Found(ours[asked.place], f"the provider lists it: {listed}, {len(ours)} with these words")
    if ours:
        return Unclear(f"{len(ours)} with these words listed, {asked.alike} attempts that it may be")
    if unknown:
        return Unclear(f"{listed}, {len(unknown)} of no attempt that is known, with other words or of another sender")
    return Absent(f"the provider does not list it: {listed}")


def _from(entry: Entry, sender: str) -> bool:
    """A messaging service chooses the number itself."""
    return sender.startswith("MG") or entry.sender is None or e164(entry.sender) == sender
