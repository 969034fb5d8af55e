"""Do the books balance?  The one equation of `streams.lifecycle`, over what the ledger holds."""

from __future__ import annotations

from typing import NamedTuple

from services.ledger.usage import Usage
from streams.lifecycle import balance


class Books(NamedTuple):
    """`residue`: messages asked for and not accounted for; 0 at rest, other than 0 while something is on its way."""

    residue: int
    sentence: str


def balanced(found: Usage) -> Books:
    books = balance(found.requested, found.by_state)
    parts = " + ".join(f"{count:,} {group}" for group, count in books.groups.items())
    if books.residue == 0:
        return Books(0, f"The books balance: {books.requested:,} requested = {parts}.")
    return Books(
        books.residue,
        f"The books are off by {books.residue:,}: {books.requested:,} requested, but {parts}."
        " Some may not be judged yet; look again in a moment.",
    )
