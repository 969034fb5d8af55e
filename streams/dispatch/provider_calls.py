"""What dispatch asks of a provider, and what can come of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from schemas.base import Message, Slug, UtcTime


class SendCall(NamedTuple):
    """One call to the provider.  Its `sending` row is durable before the call begins."""

    tenant: str
    message_id: str
    attempt: int
    sender: str
    to: str
    body: str
    wait: float = 0.0
    rest: float = 0.0
    """Seconds before this call, and from its start to that of the sender's next one: `streams.dispatch.spacing`."""
    segments: int = 1
    """That it counts for against the account's pace."""

    @property
    def identity(self) -> tuple[str, str, int]:
        return self.tenant, self.message_id, self.attempt


class Result(StrEnum):
    ACCEPTED = "accepted"
    """2xx with a provider id."""
    REFUSED = "refused"
    """4xx with the provider's code: it has not taken it and says why."""
    LIMITED = "limited"
    """429: not taken, come back after `retry_after` seconds."""
    UNSENT = "unsent"
    """Known not to have reached the provider: connection refused, or the lease on the partition had run out."""
    IN_DOUBT = "in_doubt"
    """Timeout, reset, 5xx, truncated or invalid answer, 2xx without an id: it may have been taken."""


class SendResult(Message):
    """What came of a Post; it comes back to dispatch as a Fact of the sender's family."""

    tenant: Slug
    message_id: Slug
    attempt: int
    sender: str
    result: Result
    provider_id: str | None = None
    code: str | None = None
    detail: str = ""
    segments: int | None = None
    """As the provider counts them, which is what it bills; None where it has not counted yet."""
    retry_after: float | None = None
    """Seconds."""


class Lookup(NamedTuple):
    """Ask the provider what it has for this number, by To alone and all of it: the way to clear up a doubt.

    It changes nothing in the world, so it may be asked again, and needs no lease on the partition."""

    tenant: str
    message_id: str
    attempt: int
    sender: str
    to: str
    not_before: datetime
    not_after: datetime
    """UTC: what was made then is of interest, our clock being off included (`evidence.FAR`)."""
    round: int
    """1: the first look, 2: the one later, 3: the last one before an earlier owner's text may be sent again."""

    @property
    def identity(self) -> tuple[str, str, str, int, int]:
        return "look", self.tenant, self.message_id, self.attempt, self.round


class ListedMessage(Message):
    """One text as the provider lists it.  `sender` is what it was asked to send from: a number, or the messaging
    service that then chose one; None where it does not say, and such a text is nobody's."""

    provider_id: str
    sender: str | None = None
    body: str
    num_segments: int | None = None
    status: str
    created_at: UtcTime
    error_code: str | None = None


class LookupResult(Message):
    """What came of a Look; it comes back to dispatch as a Fact of the sender's family.  `entries` is None where the
    list could not be had whole: `detail` says why.  An empty list says that the provider has nothing."""

    tenant: Slug
    message_id: Slug
    attempt: int
    sender: str
    round: int
    entries: tuple[ListedMessage, ...] | None = None
    detail: str = ""
