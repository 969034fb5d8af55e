"""Texts: what callers ask for, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from services.client.models.base import Id, Input, Kind, NumberType, Output, Page, ProblemDetails


class SendText(Input):
    """One text: to a number, or to a person, whose number Sayso picks."""

    message_id: Id | None = None
    """Names the text for good. Left out, the call's Idempotency-Key is its name."""
    to: str | None = None
    """With plus and country code."""
    person_id: Id | None = None
    number_type: NumberType | None = None
    """With `person_id` and without `to`: a number of this type."""
    body: Annotated[str, Field(min_length=1)]
    kind: Kind = Kind.TRANSACTIONAL
    branch: Id | None = None
    case_id: Id | None = None
    event_id: Id | None = None
    event_at: AwareDatetime | None = None
    event_title: str | None = None
    sender: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    """Where the recipient lives, as US-NY."""
    not_before: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    undo_seconds: int | None = None
    """It is held for so long, so that `cancel` can take it back."""


class SendBatch(Input):
    requests: Sequence[SendText]


class Accepted(Output):
    """Sayso has the request. `Client.message` tells what becomes of it."""

    message_id: str


class BatchResult(Output):
    message_id: str
    accepted: bool
    problem: ProblemDetails | None = None
    """Why it was not accepted."""


class BatchAccepted(Output):
    results: tuple[BatchResult, ...]


class Reason(Output):
    """What a rule found, and what to do."""

    rule: str
    reason: str
    next_step: str


class MessageItem(Output):
    message_id: str
    state: str
    """requested, held, queued, sending, delivered, ..."""
    final: bool
    """No later report is expected."""
    to: str | None
    person_id: str | None
    case_id: str | None
    branch: str | None
    kind: str
    sender: str | None
    error_code: str | None
    error_title: str | None
    next_step: str | None
    segments: int
    test: bool
    """It is never sent."""
    box: str | None
    """ready, outbox or sentbox."""
    needs_attention: bool
    reasons: tuple[Reason, ...]
    """Why it waits or does not go."""
    requested_at: datetime
    changed_at: datetime


class MessagePage(Page):
    items: tuple[MessageItem, ...]


class MessageDetail(MessageItem):
    body: str | None
    """Its words, as long as they are kept."""
    body_sha256: str | None
    provider_id: str | None
    resent_as: str | None
    """The id of its latest resend."""

    @property
    def shown(self) -> ShownText:
        """What an approval names. Raises ValueError where its words are not kept any more."""
        if self.body_sha256 is None:
            raise ValueError("its words are not kept: there is nothing to approve")
        return ShownText(message_id=self.message_id, body_sha256=self.body_sha256)


class CancelText(Input):
    reason: str = ""


class CancelAnswer(Output):
    message_id: str
    result: str
    """withdrawn, canceled, asked_again, too_late, in_doubt, not_sent or not_confirmed."""
    stopped: bool
    """It is certain that it will not be sent."""
    detail: str


class Price(Output):
    micros: int
    """Millionths of the currency."""
    currency: str


class PreviewAnswer(Output):
    """What would become of the text if it came now."""

    verdict: str
    """send, hold, reject, expire or cancel."""
    reasons: tuple[Reason, ...]
    known: str
    """Whether its id was used before: new, same or another."""
    to: str | None
    sender: str | None
    body: str
    """As it would be sent."""
    segments: int
    departs_at: datetime | None
    queue_seconds: float | None
    asks_for_opt_in: bool
    """The recipient would be asked to opt in."""
    price: Price | None


class ShownText(Input):
    """A text in the words that somebody saw. Words that have changed since are not approved."""

    message_id: Id
    body_sha256: str


class Approvals(Input):
    action: Literal["approve", "reject"]
    texts: tuple[ShownText, ...]


class ApprovalResult(Output):
    message_id: str
    done: bool
    result: str
    """approved, rejected, waits, changed, already_approved, unknown, ..."""
    detail: str
    next_step: str
    by: str
    """Who decided, where somebody else was first."""


class ApprovalResults(Output):
    results: tuple[ApprovalResult, ...]


class ResendText(Input):
    to: str | None = None
    """Another number: it replaces the old one, also on the person's record."""


class ResendAnswer(Output):
    message_id: str
    done: bool
    result: str
    """resent or not_possible."""
    detail: str
    resent_as: str | None
    """The id of the new text."""


class Dismissals(Input):
    message_ids: tuple[Id, ...]


class DismissalResult(Output):
    message_id: str
    done: bool
    result: str
    """dismissed, already_dismissed, not_failed or unknown."""
    detail: str
    by: str
    """Who dismissed it, where somebody else was first."""


class DismissalResults(Output):
    results: tuple[DismissalResult, ...]
