"""Calls that nobody waits for any more, and that may have been taken all the same: their text was dropped or handed
back while it was in doubt.

An entry of the provider's list with their words may be theirs.  So they are counted among those that it may belong to
(unless it was proven that they were not taken), and what a callback says of them is remembered: an entry that is known
to be theirs is nobody else's."""

from __future__ import annotations

import hashlib

from schemas.controls import Sighting
from schemas.numbers import e164
from schemas.send import Send
from streams.dispatch.state import LONGEST_ID, REMEMBERED, AbandonedAttempt, MessageEntry, lost_name
from streams.dispatch.step_builder import StepBuilder
from streams.dispatch.words import plain


def leave(draft: StepBuilder, row: MessageEntry, *, absent: bool) -> None:
    """Its text goes its way, or ends; tell before that."""
    order = row.order
    assert order is not None
    _keep(draft, lost_name(order.tenant, order.message_id, row.attempt), _lost(row, order, absent))


def claim(draft: StepBuilder, row: MessageEntry, control: Sighting) -> None:
    """The provider has called back about one of these, or about an earlier try of a text that is tried again."""
    name = lost_name(control.tenant, control.message_id, control.attempt)
    before = draft.get(name, AbandonedAttempt) or (
        _lost(row, row.order, absent=True) if row.order is not None else None
    )
    if before is not None:
        _keep(
            draft, name, before.model_copy(update={"provider_id": control.provider_id[:LONGEST_ID]})
        )


def words_of(body: str) -> str:
    """A mark of the words as they may be listed: the text itself is not kept."""
    return hashlib.sha256(plain(body).encode(errors="surrogatepass")).hexdigest()[:32]


def _lost(row: MessageEntry, order: Send, absent: bool) -> AbandonedAttempt:
    return AbandonedAttempt(
        to=e164(order.to), words=words_of(order.body), called_at=row.began, absent=absent
    )


def _keep(draft: StepBuilder, name: str, row: AbandonedAttempt) -> None:
    draft.put(name, row)
    draft.queue.lose(name, row)
    draft.set_timer(name, draft.now + REMEMBERED)
