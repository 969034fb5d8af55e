"""What the provider's list proves about an in-doubt attempt.

Theory of operation
-------------------
The provider has no idempotency key, so a listed message is told apart by the attempt that it
belongs to. Bodies are compared without what a provider rewrites (`normalize_body`).

1. A listed message whose id we know belongs to that attempt: one that was accepted, or one that a
   callback named.
2. Then numbers decide. On one side stand listed messages with our body that belong to nobody; on
   the other our attempts with that body whose result is unknown, abandoned ones included
   (`find_matching_attempts`). If there are at least as many listed messages as attempts, each
   attempt was taken; they are matched in the order of time.
3. If there is no such message, and every listed message belongs to another attempt, ours is absent.
4. Everything else is unclear. It is not guessed.

We date a call by our clock, the provider dates a message by theirs. So a listed message with our
body but a different time does not prove that ours was taken. It still blocks the conclusion
"absent", because one of the clocks may be wrong, and then the text would go out twice.

An abandoned attempt is a call whose text was dropped or returned while it was in doubt. It may have
been taken all the same, so it counts among the attempts, unless it was proven absent.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.controls import Sighting
from schemas.numbers import e164, is_same_number
from streams.dispatch.provider_calls import ListedMessage
from streams.dispatch.state import (
    MAX_ID_LENGTH,
    RETENTION,
    AbandonedAttempt,
    Finished,
    InDoubt,
    LiveMessage,
    Sending,
    TrackedMessage,
    attempt_name,
)
from streams.dispatch.step_builder import StepBuilder
from streams.encoding.body import replace_smart_chars

CALL_SPAN: Final = timedelta(minutes=5)
"""Before and after the call: when the provider may have made the message, with waiting and usual
clocks."""
CLOCK_SPAN: Final = timedelta(hours=26)
"""Before and after the call: how far clocks may differ. It is less than the 72 hours for which ids
are remembered, so what we sent in this span is known to be ours."""
_SECOND: Final = timedelta(seconds=1)
"""The provider's times may be whole seconds."""

_LINK: Final = re.compile(
    r"\b(?:https?://|www\.)\S+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}/\S+", re.IGNORECASE
)
_BLANKS: Final = re.compile(r"\s+")
_TRIAL: Final = "Sent from your Twilio trial account - "
"""Put before every text of a trial account (Twilio's help article "Twilio Free Trial
Limitations")."""


def normalize_body(body: str) -> str:
    """What is left of a text after Smart Encoding (plainer characters), link shortening (all links
    count as the same) and trimming. Two texts that differ only in these count as one body; then
    numbers decide."""
    linkless = _LINK.sub("<link>", body.removeprefix(_TRIAL))
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", replace_smart_chars(linkless))).strip()


def hash_body(body: str) -> str:
    """Of the normalized body: the text itself is not kept."""
    normal = normalize_body(body)
    return hashlib.sha256(normal.encode(errors="surrogatepass")).hexdigest()[:32]


# --- what a list proves


class Found(NamedTuple):
    """The provider took it, as this message."""

    message: ListedMessage
    why: str


class Absent(NamedTuple):
    """The provider never took it: every listed message belongs to another attempt."""

    why: str


class Unclear(NamedTuple):
    why: str


Evidence = Found | Absent | Unclear


class MatchingAttempts(NamedTuple):
    """Our attempts to one number with the same body that are in doubt or in flight, and the one
    that is looked up."""

    sender: str
    body: str
    called_at: datetime
    """When the attempt was called, by our clock."""
    rank: int
    """How many of the attempts were called before it."""
    total: int
    """All of them, this one included."""


def classify(
    listed: Sequence[ListedMessage], known: Collection[str], attempts: MatchingAttempts
) -> Evidence:
    """`listed` spans CLOCK_SPAN before and after the call. `known`: provider ids of attempts that
    we know."""
    near = [
        message
        for message in listed
        if -_SECOND - CALL_SPAN <= message.created_at - attempts.called_at <= CALL_SPAN
    ]
    unknown = [message for message in near if message.provider_id not in known]
    ours = _select_ours(unknown, attempts)
    summary = f"{len(near)} listed, {len(near) - len(unknown)} of other attempts"
    if ours and len(ours) >= attempts.total:
        ours.sort(key=lambda message: (message.created_at, message.provider_id))
        why = f"the provider lists it: {summary}, {len(ours)} with this body"
        return Found(ours[attempts.rank], why)
    if ours:
        return Unclear(
            f"{len(ours)} with this body listed, {attempts.total} attempts that it may be"
        )
    unknown_far = [message for message in listed if message.provider_id not in known]
    if elsewhen := _select_ours(unknown_far, attempts):
        return Unclear(
            f"{len(elsewhen)} with this body listed, made at another time than ours: "
            "do clocks differ?"
        )
    if unknown:
        return Unclear(
            f"{summary}, {len(unknown)} of no attempt that we know, with another body or "
            "from another sender"
        )
    return Absent(f"the provider does not list it: {summary}")


def _select_ours(
    listed: Sequence[ListedMessage], attempts: MatchingAttempts
) -> list[ListedMessage]:
    """Messages with our body and our sender. A messaging service chooses the number itself, so the
    list names the service. A message of another service, of a bare number, or without a sender is
    not ours."""
    body = normalize_body(attempts.body)
    return [
        message
        for message in listed
        if message.sender is not None
        and is_same_number(message.sender, attempts.sender)
        and normalize_body(message.body) == body
    ]


# --- the attempts that a listed message may belong to


def find_matching_attempts(step: StepBuilder, message: InDoubt) -> MatchingAttempts:
    own = (message.called_at, message.name)
    matching = [own, *_matching_live(step, message), *_matching_abandoned(step, message)]
    rank = sum(other < own for other in matching)
    return MatchingAttempts(step.sender, message.order.body, message.called_at, rank, len(matching))


def _matching_live(step: StepBuilder, message: InDoubt) -> Iterator[tuple[datetime, str]]:
    """Those that were called; texts that wait are skipped."""
    body = normalize_body(message.order.body)
    for name in step.queue.names_of_number(message.order.to):
        if name == message.name or name in step.queue.priorities:
            continue
        other = step.message(name)
        if (
            isinstance(other, InDoubt | Sending)
            and not other.entry.absent
            and normalize_body(other.order.body) == body
        ):
            yield other.called_at, name


def _matching_abandoned(step: StepBuilder, message: InDoubt) -> Iterator[tuple[datetime, str]]:
    """Those that were called at so near a time that a listed message may be theirs."""
    body_hash = hash_body(message.order.body)
    for name, attempt in step.queue.find_abandoned(message.order.to).items():
        if (
            attempt.words == body_hash
            and not attempt.absent
            and attempt.provider_id is None
            and abs(attempt.called_at - message.called_at) <= 2 * CALL_SPAN
        ):
            yield attempt.called_at, name


# --- abandoned attempts


def remember_abandoned(step: StepBuilder, message: InDoubt, *, absent: bool) -> None:
    """Call it before the message is returned or finished."""
    name = attempt_name(message.order.tenant, message.order.message_id, message.attempt)
    _keep(step, name, _build_abandoned(message, absent=absent))


def record_late_receipt(step: StepBuilder, message: TrackedMessage, control: Sighting) -> None:
    """The provider called back about an abandoned attempt, or about an earlier try of a text that
    is tried again. A listed message of this id then belongs to nobody else."""
    name = attempt_name(control.tenant, control.message_id, control.attempt)
    attempt = step.get(name, AbandonedAttempt)
    if attempt is None and not isinstance(message, Finished):
        attempt = _build_abandoned(message, absent=True)
    if attempt is not None:
        provider_id = control.provider_id[:MAX_ID_LENGTH]
        _keep(step, name, attempt.model_copy(update={"provider_id": provider_id}))


def _build_abandoned(message: LiveMessage, *, absent: bool) -> AbandonedAttempt:
    return AbandonedAttempt(
        to=e164(message.order.to),
        words=hash_body(message.order.body),
        called_at=message.called_at,
        absent=absent,
    )


def _keep(step: StepBuilder, name: str, attempt: AbandonedAttempt) -> None:
    step.put(name, attempt)
    step.queue.add_abandoned(name, attempt)
    step.set_timer(name, step.now + RETENTION)
