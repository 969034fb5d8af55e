"""What threads remembers of a conversation: small entries, by name.

- `thread`: what staff did about it as a whole, and what was published last
- `case/<case>/<person>`: a party of a case who has this number
- `person/<id>`: somebody who has this number
- `in/<provider id>`: an inbound text
- `out/<message id>`: a text of ours: of a case, or by hand

Inputs come from five topics, so in any order.  Each entry is a register of what was said last, by
the times in the messages.  Whose number it was is asked for the moment at which a text came, so
cases and people keep their last few changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from streams.dedup import dedup_name
from streams.processing import StateEntry

THREAD: Final = "thread"
CASES: Final = "case/"
PEOPLE: Final = "person/"
TEXTS: Final = "in/"
OUT: Final = "out/"

CHANGES_AT_MOST: Final = 16
"""Changes that are kept of a party or a person."""
AWAITED_AT_MOST: Final = 10
"""Confirmations that one party is waited for."""
TEXTS_AT_MOST: Final = 300
"""Inbound texts that are kept; of older ones that wait, only how many there are."""
OUT_AT_MOST: Final = 60
"""Texts of ours that are kept."""
OTHERS_AT_MOST: Final = 20
"""Cases or people that an inbound text names."""
NAME_AT_MOST: Final = 200
"""Characters of a name, a title or a provider's id that are kept."""
WORD_AT_MOST: Final = 40
"""Characters of an inbound text that may be a confirmation."""

SETTLES: Final = timedelta(days=1)
"""So long after it came, an inbound text is filed again when more becomes known of that moment."""

LAST: Final = "\U0010ffff"
"""Sorts after every inbound id."""


class Mark(StateEntry):
    """A place in the order of inbound texts."""

    at: datetime
    inbound: str = LAST
    """The text's entry; of an instant as a whole, all its texts."""

    @property
    def order(self) -> tuple[datetime, str]:
        return self.at, self.inbound


class Awaited(StateEntry):
    """A reminder asks for this word."""

    event_id: str
    starts_at: str
    word: str
    """As it is compared."""
    until: datetime


class Standing(StrEnum):
    """Of a party in a case."""

    OPEN = "open"
    CLOSED = "closed"
    LEFT = "left"
    """They have another number, or are no party any more."""


class PartyChange(StateEntry):
    at: datetime
    standing: Standing
    awaits: tuple[Awaited, ...] = ()


class PartyEntry(StateEntry):
    changes: tuple[PartyChange, ...]
    """The oldest first."""
    title: str = ""
    name: str = ""
    mail: str | None = None
    """As the last change has them."""

    def find(self, at: datetime) -> PartyChange | None:
        """How it stood then."""
        return next((one for one in reversed(self.changes) if one.at <= at), None)


class HolderChange(StateEntry):
    at: datetime
    has: bool


class HolderEntry(StateEntry):
    """Whether somebody has this number."""

    changes: tuple[HolderChange, ...]

    def has(self, at: datetime) -> bool:
        return next((one.has for one in reversed(self.changes) if one.at <= at), False)


class OutEntry(StateEntry):
    """A text of ours."""

    version: int
    """Of its outcome, the latest seen."""
    stands: bool
    """It has left or is about to, and did not fail."""
    written_at: datetime
    left_at: datetime | None = None
    """When it was first seen to leave."""
    waited: bool = False
    """It was seen waiting at the gate."""
    case_id: str | None = None
    by: str | None = None
    """Who wrote it by hand."""

    @property
    def spoke_at(self) -> datetime | None:
        """From when on a reply may be to it."""
        if not self.stands or self.left_at is None:
            return None
        # Outcomes may be late: then a text may have left at any time since it was requested.
        return self.left_at if self.waited else min(self.written_at, self.left_at)


class Move(StateEntry):
    """Staff have put a text into a case, or into none."""

    at: datetime
    change_id: str
    case_id: str | None = None


class Confirmed(StateEntry):
    """What a text confirms: published, and final."""

    case_id: str
    event_id: str
    starts_at: str


class TextEntry(StateEntry):
    """An inbound text.  What staff say of one that has not come yet waits here for it."""

    provider_id: str = ""
    received_at: datetime | None = None
    """None: it has not come yet."""
    use: str = ""
    word: str = ""
    """Its words as they are compared, if they are few and mean nothing by themselves."""
    filed: bool = False
    case_id: str | None = None
    others: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    on_closed: bool = False
    moved: Move | None = None
    is_read_up_to: bool = False
    """Staff have dealt with it and with all before it."""
    confirms: Confirmed | None = None
    mailed: bool = False


class Assignment(StateEntry):
    at: datetime
    change_id: str
    to: str | None = None


class Dropped(StateEntry):
    """Waiting texts that are too many to keep."""

    first_at: datetime
    last: Mark
    texts: int


class ThreadEntry(StateEntry):
    read_up_to: Mark | None = None
    """Every text up to here is dealt with."""
    assigned: Assignment | None = None
    mailed_up_to: Mark | None = None
    """The last text that waited when a mail said that they still wait."""
    dropped: Dropped | None = None
    wakes_at: datetime | None = None
    """When the next mail is due."""
    version: int = 0
    digest: str = ""
    """Of what was published last."""


def text_name(provider_id: str) -> str:
    return dedup_name(TEXTS.rstrip("/"), provider_id)


def out_name(message_id: str) -> str:
    return f"{OUT}{message_id}"


def party_name(case_id: str, person_id: str) -> str:
    return f"{CASES}{case_id}/{person_id}"


def holder_name(person_id: str) -> str:
    return f"{PEOPLE}{person_id}"


def later_mark(*marks: Mark | None) -> Mark | None:
    return max((mark for mark in marks if mark is not None), key=lambda m: m.order, default=None)


def covers(mark: Mark | None, other: Mark) -> bool:
    return mark is not None and other.order <= mark.order


C = TypeVar("C", PartyChange, HolderChange)


def add_change(changes: Iterable[C], new: C) -> tuple[C, ...]:
    """By time; of one instant, the last that came holds."""
    every = [one for one in changes if one.at != new.at]
    every.append(new)
    return tuple(sorted(every, key=lambda one: one.at)[-CHANGES_AT_MOST:])
