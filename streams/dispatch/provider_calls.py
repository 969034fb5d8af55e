"""The calls that dispatch makes to a provider, and their results.

A call leaves a step as data. The worker executes it after the step is committed; its result comes
back as an input record of the same sender.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from schemas.base import Message, Slug, UtcTime


class SendCall(NamedTuple):
    """Send one text. Its `sending` entry is committed before the call begins."""

    tenant: str
    message_id: str
    attempt: int
    sender: str
    to: str
    body: str
    delay: float = 0.0
    """Seconds to wait before this call (see `pace.CallSpacing`)."""
    interval: float = 0.0
    """Seconds from the start of this call to the start of the sender's next one."""
    segments: int = 1
    """Segments that this call uses of the account's rate limit."""

    @property
    def identity(self) -> tuple[str, str, int]:
        return self.tenant, self.message_id, self.attempt


class Result(StrEnum):
    ACCEPTED = "accepted"
    """2xx with a provider id."""
    REFUSED = "refused"
    """4xx with the provider's error code: it did not take the text, and says why."""
    LIMITED = "limited"
    """429: not taken; try again after `retry_after` seconds."""
    UNSENT = "unsent"
    """It surely did not reach the provider: connection refused, or the lease on the partition had
    expired."""
    IN_DOUBT = "in_doubt"
    """Timeout, reset, 5xx, truncated or invalid response, 2xx without an id: the text may have been
    taken."""


class SendResult(Message):
    """The result of a SendCall."""

    tenant: Slug
    message_id: Slug
    attempt: int
    sender: str
    result: Result
    provider_id: str | None = None
    code: str | None = None
    """The provider's error code, or a word of our own where the provider did not answer."""
    detail: str = ""
    segments: int | None = None
    """As the provider counts and bills them; None if it has not counted yet."""
    retry_after: float | None = None
    """Seconds."""

    @classmethod
    def of(cls, call: SendCall, result: Result, **details: Any) -> SendResult:
        return cls(
            tenant=call.tenant,
            message_id=call.message_id,
            attempt=call.attempt,
            sender=call.sender,
            result=result,
            **details,
        )


class Lookup(NamedTuple):
    """Fetch the provider's whole list for one recipient, to settle an in-doubt attempt.

    A lookup changes nothing at the provider. So it can be repeated, and it needs no lease on the
    partition."""

    tenant: str
    message_id: str
    attempt: int
    sender: str
    to: str
    not_before: datetime
    not_after: datetime
    """Listed messages of this time span are relevant. It allows for clocks that differ
    (`list_matching.CLOCK_SPAN`)."""
    round: int
    """1: the first lookup; 2: the confirming one; 3: the last one, before an earlier owner's text
    may be resent."""

    @property
    def identity(self) -> tuple[str, str, str, int, int]:
        return "lookup", self.tenant, self.message_id, self.attempt, self.round


class ListedMessage(Message):
    """One text in the provider's list."""

    provider_id: str
    sender: str | None = None
    """The number or messaging service that it was requested from. None if the list does not say;
    then it matches no attempt of ours."""
    body: str
    num_segments: int | None = None
    status: str
    created_at: UtcTime
    error_code: str | None = None


class LookupResult(Message):
    """The result of a Lookup."""

    tenant: Slug
    message_id: Slug
    attempt: int
    sender: str
    round: int
    entries: tuple[ListedMessage, ...] | None = None
    """An empty list means that the provider has nothing. None: the list could not be read whole;
    `detail` says why."""
    detail: str = ""

    @classmethod
    def of(
        cls, lookup: Lookup, entries: tuple[ListedMessage, ...] | None, detail: str = ""
    ) -> LookupResult:
        return cls(
            tenant=lookup.tenant,
            message_id=lookup.message_id,
            attempt=lookup.attempt,
            sender=lookup.sender,
            round=lookup.round,
            entries=entries,
            detail=detail,
        )
