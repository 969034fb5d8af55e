"""What the provider's list says about a text in doubt.

The provider has no idempotency key, so an entry is told apart by who it belongs to: one whose id we know belongs to an
attempt that was accepted.  Among entries with our words that nobody owns, and our attempts with these words of which
nobody knows what became, numbers decide; what they do not decide stays in doubt rather than guessed.

When we called is told by our clock, when the provider made a text by theirs.  So an entry that was made at the wrong
time, nobody's and with our words, is no proof that ours was taken, but it forbids to say that it was not: a clock that
is off, or was stepped by hand, would have the text sent twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.numbers import e164
from streams.dispatch.provider_calls import ListedMessage
from streams.dispatch.words import plain

EITHER_SIDE: Final = timedelta(minutes=5)
"""Of the call: the window in which the provider may have made it, waiting and usual clocks included."""
FAR: Final = timedelta(hours=26)
"""Of the call: how far clocks may differ.  Less than the 72 hours for which ids are remembered, so that what we sent in
this time is known to be ours."""
_SECOND: Final = timedelta(seconds=1)
"""The provider's times may be whole seconds."""


class Found(NamedTuple):
    """It was taken, as this entry."""

    entry: ListedMessage
    why: str


class Absent(NamedTuple):
    """It was never taken: every entry belongs to another attempt."""

    why: str


class Unclear(NamedTuple):
    why: str


Verdict = Found | Absent | Unclear


class Open(NamedTuple):
    """Our attempts to one number with the same words that are in doubt or under way, in the order in which they were
    called, and which of them is asked about; `called`: when, by our clock."""

    sender: str
    body: str
    called: datetime
    place: int
    alike: int


def weigh(entries: Sequence[ListedMessage], known: Collection[str], asked: Open) -> Verdict:
    """`entries`: of `FAR` on either side.  `known`: the provider's ids of our accepted attempts to that number."""
    near = [
        entry
        for entry in entries
        if -_SECOND - EITHER_SIDE <= entry.created_at - asked.called <= EITHER_SIDE
    ]
    unknown = [entry for entry in near if entry.provider_id not in known]
    ours = _with_our_words(unknown, asked)
    listed = f"{len(near)} listed, {len(near) - len(unknown)} of them of other attempts"
    if ours and len(ours) >= asked.alike:
        ours.sort(key=lambda entry: (entry.created_at, entry.provider_id))
        return Found(
            ours[asked.place], f"the provider lists it: {listed}, {len(ours)} with these words"
        )
    if ours:
        return Unclear(
            f"{len(ours)} with these words listed, {asked.alike} attempts that it may be"
        )
    if astray := _with_our_words(
        [entry for entry in entries if entry.provider_id not in known], asked
    ):
        return Unclear(
            f"{len(astray)} with these words listed, made at another time than ours: do clocks differ?"
        )
    if unknown:
        return Unclear(
            f"{listed}, {len(unknown)} of no attempt that is known, with other words or from elsewhere"
        )
    return Absent(f"the provider does not list it: {listed}")


def _with_our_words(entries: Sequence[ListedMessage], asked: Open) -> list[ListedMessage]:
    words = plain(asked.body)
    return [entry for entry in entries if plain(entry.body) == words and _from(entry, asked.sender)]


def _from(entry: ListedMessage, sender: str) -> bool:
    """A messaging service chooses the number itself, so it is the service that is listed: a text of another one, or of
    a bare number, is not ours, nor is one of which the provider does not say."""
    return entry.sender is not None and e164(entry.sender) == sender
