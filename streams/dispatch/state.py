"""What dispatch remembers of a sender: one row a message, one a stopped number, one a call that nobody waits for any
more, one for the queue itself."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from schemas.numbers import e164
from schemas.send import Send
from streams.encoding.smart import replaced
from streams.processing import StateEntry

QUEUE: Final = "queue"
MESSAGES: Final = "msg/"
STOPS: Final = "stop/"
LOST: Final = "lost/"
REMEMBERED: Final = timedelta(hours=72)
"""How long a message that is done with, and a Stop, are remembered."""
BARRED: Final = timedelta(days=35)
"""How long it is remembered that what was handed back did get through: what waits at the gate is ordered again within
30 days, or never."""
TOO_OLD: Final = timedelta(hours=48)
"""An order issued longer ago is judged again: a repeat of it might meet a row that was already forgotten.  Well below
`REMEMBERED`, so that clocks may differ by a day."""


class DispatchState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    DROPPED = "dropped"
    """In doubt for good."""


LONGEST_ID: Final = 100
"""Characters of a provider's id that are kept."""

LIVE: Final = frozenset({DispatchState.QUEUED, DispatchState.SENDING, DispatchState.IN_DOUBT})


class QueueEntry(StateEntry):
    """Carries the wake for the next thing to do."""

    paused: bool = False
    by: str = ""
    error: str | None = None
    error_at: datetime | None = None


class StopEntry(StateEntry):
    """`epoch` of a tenant's Stop; a Stop of no tenant goes by `at`."""

    epoch: int
    at: datetime


class MessageEntry(StateEntry):
    """`attempt` is the last number reported, `next_attempt` the one of the next call.  `order` is kept while the text
    may still be needed.  `arrival` is the order's offset.  `barred`: whatever comes, it is never tried again, and why.
    `fingerprint` is empty where a Cancel came before its order.  `to` is kept where the provider took it.

    `called_at`: when the last call was let go, `size` its segments.  Of one in doubt: `looks` at the provider's list
    that answered, `look_at` the next one, `again_at` before which it is not sent again by itself, `absent` if it is
    proven not to have been taken."""

    place: DispatchState
    fingerprint: str
    issued_at: datetime
    arrival: int = -1
    attempt: int = 0
    next_attempt: int = 1
    not_before: datetime | None = None
    order: Send | None = None
    barred: str | None = None
    provider_id: str | None = None
    to: str | None = None
    called_at: datetime | None = None
    size: int = 0
    looks: int = 0
    look_at: datetime | None = None
    again_at: datetime | None = None
    absent: bool = False

    @property
    def began(self) -> datetime:
        """When its last call was let go; when it was ordered, where that is not on record."""
        return self.called_at or self.issued_at


class AbandonedAttempt(StateEntry):
    """A call whose text was in doubt when it was dropped or handed back (`lost`).  `words`: a mark of them; `absent`:
    it was proven that it was not taken; `provider_id`: a callback has said that it was, as this."""

    to: str
    words: str
    called_at: datetime
    absent: bool = False
    provider_id: str | None = None


def message_name(tenant: str, message_id: str) -> str:
    return f"{MESSAGES}{tenant}/{message_id}"


def lost_name(tenant: str, message_id: str, attempt: int) -> str:
    return f"{LOST}{tenant}/{message_id}/{attempt}"


def stop_name(tenant: str | None, number: str) -> str:
    """`*` stands for every tenant; it cannot begin a tenant's name."""
    return f"{STOPS}{tenant or '*'}/{_digits(number)}"


def stop_names(tenant: str, number: str) -> tuple[str, str]:
    """Of this tenant's Stop, and of every tenant's."""
    digits = _digits(number)
    return f"{STOPS}{tenant}/{digits}", f"{STOPS}*/{digits}"


def _digits(number: str) -> str:
    """What is far longer than any number is hashed: a row's name is part of a record's key, and a STOP is never
    dropped."""
    clean = e164(number)
    if (
        clean[:1] == "+"
        and clean[1:].isalnum()
        and len(clean) <= LONGEST_ID - 2
        and clean.isascii()
    ):
        return f"%2B{clean[1:]}"  # as `quote` writes it, without its ten microseconds
    digits = quote(clean)
    return digits if len(digits) <= LONGEST_ID else hashlib.sha256(digits.encode()).hexdigest()


def fingerprint(order: Send) -> str:
    """Of number and text: the same id with another one is not the same message.  In plain characters, for what is
    ordered again may have been encoded smartly in between."""
    return _hashed(order.to, replaced(order.body))


def is_of(mark: str, order: Send) -> bool:
    """Whether a fingerprint that was kept is this order's; older ones are of the text as it stood."""
    return mark in (fingerprint(order), _hashed(order.to, order.body))


def _hashed(number: str, text: str) -> str:
    return hashlib.sha256(f"{number}\0{text}".encode(errors="surrogatepass")).hexdigest()[:32]
