"""What dispatch keeps about one sender, and the states of a message.

A sender's state has one entry for each message, each stopped number and each abandoned attempt, one
for each tenant's opt-in budget, and one for the queue itself.

Every message is stored as a `MessageEntry`; its JSON stays readable for older and newer versions.
The code does not work on that entry, but on a view of it with a type for each state: `Queued`,
`Sending`, `InDoubt` or `Finished`. A view has what its state has and nothing else. `Queued.start`
gives a `Sending`, and so on.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self
from urllib.parse import quote

from msgspec import Struct

from schemas.number_writings import former_writings
from schemas.numbers import e164, is_former_writing, strip_signs
from schemas.send import Send
from streams.encoding.body import replace_smart_chars
from streams.processing import StateEntry

QUEUE: Final = "queue"
MESSAGES: Final = "msg/"
STOPS: Final = "stop/"
RECALLS: Final = "recall/"
ABANDONED: Final = "lost/"

RETENTION: Final = timedelta(hours=72)
"""How long a finished message, a Stop and an abandoned attempt are remembered."""
LATE_RECEIPT_RETENTION: Final = timedelta(days=35)
"""How long we remember that a returned text did reach the provider. The gate orders a text again
within 30 days, or never."""
MAX_ORDER_AGE: Final = timedelta(hours=48)
"""Older orders return to the gate: a repeat might arrive after its entry was forgotten. This is
well below `RETENTION`, so that clocks may differ by a day."""
MAX_ID_LENGTH: Final = 100
"""Characters of a provider id that are kept."""


class DispatchState(StrEnum):
    """Where a message is in dispatch."""

    QUEUED = "queued"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    """It returned to the gate, which may order it again."""
    DROPPED = "dropped"
    """A person dropped it while it was in doubt."""


# --- what is stored


class QueueEntry(StateEntry):
    """The sender's switch and last error. It carries the timer for the next thing to do."""

    paused: bool = False
    by: str = ""
    """Who paused the sender."""
    error: str | None = None
    error_at: datetime | None = None


class StopEntry(StateEntry):
    """No order that was decided earlier may leave for this number."""

    epoch: int
    """Orders of a lower epoch are canceled, if the Stop names a tenant."""
    at: datetime
    """Orders issued up to then are canceled, if the Stop is for every tenant."""


class RecallEntry(StateEntry):
    """Orders of a lower epoch for this number return to the gate."""

    epoch: int
    at: datetime


class MessageEntry(StateEntry):
    """A message as it is stored: the fields of all states. Read it through `read_message`."""

    place: DispatchState
    fingerprint: str
    """Of number and text. Empty if a Cancel came before its order."""
    issued_at: datetime
    arrival: int = -1
    """The order's offset."""
    attempt: int = 0
    """The last attempt number that was reported."""
    next_attempt: int = 1
    """The number of the next call."""
    not_before: datetime | None = None
    order: Send | None = None
    """Kept while the text may still be needed."""
    barred: str | None = None
    """The message is never tried again, whatever happens; this attempt code says why."""
    provider_id: str | None = None
    to: str | None = None
    """The recipient, kept if the provider took the text."""
    called_at: datetime | None = None
    """When the last call was released."""
    size: int = 0
    """Segments of the last call."""
    looks: int = 0
    """Lookups that gave a list."""
    look_at: datetime | None = None
    """The next lookup."""
    again_at: datetime | None = None
    """Not resent automatically before."""
    absent: bool = False
    """Proven not to have been taken."""


class AbandonedAttempt(StateEntry):
    """A call whose text was in doubt when it was dropped or returned (see `list_matching`)."""

    to: str
    words: str
    """A hash of the normalized body."""
    called_at: datetime
    absent: bool = False
    """Proven not to have been taken."""
    provider_id: str | None = None
    """A status callback said that it was taken, under this id."""


# --- typed views of a stored message


class LiveMessage(Struct, frozen=True, gc=False):
    """A message that may still need its order. Each state is a class of its own, below."""

    name: str
    """Of its entry."""
    order: Send
    entry: MessageEntry

    @property
    def attempt(self) -> int:
        """The last attempt number that was reported."""
        return self.entry.attempt

    @property
    def cancel_code(self) -> str | None:
        """Why this message is never tried again."""
        return self.entry.barred

    @property
    def called_at(self) -> datetime:
        """When its last call was released, or if that is not known, when it was ordered."""
        return self.entry.called_at or self.entry.issued_at

    def forbid_retry(self, code: str) -> Self:
        return self._change(barred=code)

    def _change(self, **changes: Any) -> Self:
        return type(self)(self.name, self.order, self.entry.model_copy(update=changes))


class Queued(LiveMessage, frozen=True, gc=False):
    """It waits: for its turn, or for the time from which it may leave."""

    @property
    def not_before(self) -> datetime | None:
        return self.entry.not_before

    @property
    def position(self) -> tuple[datetime, int]:
        """First issued, first out; the order's offset decides between equals."""
        return self.entry.issued_at, self.entry.arrival

    def start(self, now: datetime, segments: int) -> Sending:
        number = self.entry.next_attempt
        changes = {
            "place": DispatchState.SENDING,
            "attempt": number,
            "next_attempt": number + 1,
            "not_before": None,
            "called_at": now,
            "size": segments,
        }
        return Sending(self.name, self.order, self.entry.model_copy(update=changes))


class Sending(LiveMessage, frozen=True, gc=False):
    """Committed before its call: the call may have begun."""

    @property
    def call_identity(self) -> tuple[str, str, int]:
        return self.order.tenant, self.order.message_id, self.attempt

    def requeue(self, not_before: datetime | None) -> Queued:
        changes = {"place": DispatchState.QUEUED, "not_before": not_before}
        return Queued(self.name, self.order, self.entry.model_copy(update=changes))

    def suspect(self, lookup_at: datetime, resend_at: datetime | None) -> InDoubt:
        """Its call was cut off."""
        changes = {
            "place": DispatchState.IN_DOUBT,
            "looks": 0,
            "absent": False,
            "look_at": lookup_at,
            "again_at": resend_at,
        }
        return InDoubt(self.name, self.order, self.entry.model_copy(update=changes))


class InDoubt(LiveMessage, frozen=True, gc=False):
    """Its call was cut off: the text may or may not have been taken."""

    @property
    def lookups(self) -> int:
        """Lookups that gave a list."""
        return self.entry.looks

    @property
    def lookup_at(self) -> datetime | None:
        return self.entry.look_at

    @property
    def resend_at(self) -> datetime | None:
        """Not resent automatically before."""
        return self.entry.again_at

    @property
    def is_absent(self) -> bool:
        """Proven not to have been taken."""
        return self.entry.absent

    def schedule_lookup(self, at: datetime | None) -> InDoubt:
        return self._change(look_at=at)

    def count_lookup(self, lookups: int, next_at: datetime | None) -> InDoubt:
        return self._change(looks=lookups, look_at=next_at)

    def leave_unclear(self, last_lookup_at: datetime) -> InDoubt:
        return self._change(look_at=last_lookup_at, again_at=last_lookup_at)

    def conclude(self, *, absent: bool) -> InDoubt:
        return self._change(absent=absent)


class Finished(Struct, frozen=True, gc=False):
    """Its text is gone; its id is remembered for a while."""

    name: str
    entry: MessageEntry

    @property
    def attempt(self) -> int:
        return self.entry.attempt

    @property
    def is_returned(self) -> bool:
        return self.entry.place is DispatchState.EXPIRED

    @property
    def cancel_code(self) -> str | None:
        return self.entry.barred

    def forbid_retry(self, code: str) -> Finished:
        return Finished(self.name, self.entry.model_copy(update={"barred": code}))


TrackedMessage = Queued | Sending | InDoubt | Finished


def read_message(name: str, entry: MessageEntry) -> TrackedMessage:
    """The entry as the type of its state."""
    if entry.order is not None:
        if entry.place is DispatchState.QUEUED:
            return Queued(name, entry.order, entry)
        if entry.place is DispatchState.SENDING:
            return Sending(name, entry.order, entry)
        if entry.place is DispatchState.IN_DOUBT:
            return InDoubt(name, entry.order, entry)
    return Finished(name, entry)


# --- names of entries


def message_name(tenant: str, message_id: str) -> str:
    return f"{MESSAGES}{tenant}/{message_id}"


def attempt_name(tenant: str, message_id: str, attempt: int) -> str:
    return f"{ABANDONED}{tenant}/{message_id}/{attempt}"


def stop_name(tenant: str | None, number: str) -> str:
    """`*` stands for every tenant; no tenant's name can begin with it."""
    return f"{STOPS}{tenant or '*'}/{_name_part(e164(number))}"


def recall_name(tenant: str, number: str) -> str:
    return f"{RECALLS}{tenant}/{_name_part(e164(number))}"


def stop_names(tenant: str, number: str) -> tuple[str, str]:
    """Names of this tenant's Stop, and of the Stop for every tenant."""
    return _stop_names(tenant, e164(number))


def former_stop_names(tenant: str, number: str) -> tuple[str, str]:
    """The same, as a version before named them for an order of its own."""
    return _stop_names(tenant, strip_signs(number))


def _stop_names(tenant: str, clean: str) -> tuple[str, str]:
    part = _name_part(clean)
    return f"{STOPS}{tenant}/{part}", f"{STOPS}*/{part}"


def _name_part(clean: str) -> str:
    """The number as in a URL. What is far longer than any number is hashed, because an entry's name
    is part of a record's key, and a STOP must never be dropped."""
    if (
        clean[:1] == "+"
        and clean[1:].isalnum()
        and len(clean) <= MAX_ID_LENGTH - 2
        and clean.isascii()
    ):
        return f"%2B{clean[1:]}"  # the same as `quote` gives, but ten microseconds faster
    quoted = quote(clean)
    return quoted if len(quoted) <= MAX_ID_LENGTH else hashlib.sha256(quoted.encode()).hexdigest()


# --- identity of a text


def is_decided_before(order: Send, epoch: int, stopped_at: datetime) -> bool:
    """Whether the order is older than this Stop.

    An order of a version before may name another writing of the number, with an epoch of its own:
    then the times decide too."""
    if order.consent_epoch < epoch:
        return True
    return is_former_writing(order.to) and order.issued_at <= stopped_at


def compute_fingerprint(order: Send) -> str:
    """Of number and text: one id with another text is not the same message. The text counts in
    plain characters, because the gate may have encoded it smartly before it ordered it again."""
    return _hash(order.to, replace_smart_chars(order.body))


def is_same_text(fingerprint: str, order: Send) -> bool:
    """Older versions stored the fingerprint of the text as it was, and of the number in the writing
    that it had: those count too."""
    if fingerprint in (compute_fingerprint(order), _hash(order.to, order.body)):
        return True
    number = e164(order.to)
    plain = replace_smart_chars(order.body)
    return any(
        fingerprint in (_hash(writing, plain), _hash(writing, order.body))
        for writing in (number, *former_writings(number))
    )


def _hash(number: str, text: str) -> str:
    return hashlib.sha256(f"{number}\0{text}".encode(errors="surrogatepass")).hexdigest()[:32]
