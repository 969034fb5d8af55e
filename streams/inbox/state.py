"""What the inbox remembers of a number at a sender: `contact/<tenant>` and `in/<provider id>`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from streams.processing import StateEntry, StateStore

CONTACT: Final = "contact/"


NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ContactRow(StateEntry):
    """`last`: when this tenant's latest text to the number was ordered.  `asked`: an ask of its own is unanswered;
    `before`: then, when the latest text was ordered that is not such an ask."""

    last: datetime
    asked: bool = False
    before: datetime | None = None


Contacts = Mapping[str, ContactRow]
"""By tenant."""


def contacts_in(state: StateStore) -> Contacts:
    named = (
        (name.removeprefix(CONTACT), state.get(name, ContactRow)) for name in state.names(CONTACT)
    )
    return {tenant: row for tenant, row in named if row is not None}
