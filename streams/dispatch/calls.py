"""What dispatch asks of a provider, and what can come of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from schemas.base import Message, Slug


class Post(NamedTuple):
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


class Answer(Message):
    """What came of a Post; it comes back to dispatch as a Fact of the sender's family."""

    tenant: Slug
    message_id: Slug
    attempt: int
    sender: str
    result: Result
    provider_id: str | None = None
    code: str | None = None
    detail: str = ""
    retry_after: float | None = None
    """Seconds."""
