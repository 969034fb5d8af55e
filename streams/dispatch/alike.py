"""The attempts that an entry of the provider's list may belong to: all with the same words to one number whose end
nobody knows, in the order in which they were called."""

from __future__ import annotations

from datetime import datetime

from streams.dispatch.list_matching import EITHER_SIDE, Open
from streams.dispatch.lost import words_of
from streams.dispatch.state import MessageEntry
from streams.dispatch.step_builder import StepBuilder
from streams.dispatch.words import plain

Called = tuple[datetime, str]


def attempts_like(draft: StepBuilder, name: str, row: MessageEntry) -> Open:
    assert row.order is not None
    own = (row.began, name)
    alike = [own, *_live(draft, name, row), *_lost(draft, row, own[0])]
    return Open(
        draft.sender, row.order.body, own[0], sum(other < own for other in alike), len(alike)
    )


def _live(draft: StepBuilder, name: str, row: MessageEntry) -> list[Called]:
    """Those that were called; texts that wait are passed by."""
    assert row.order is not None
    words, found = plain(row.order.body), list[Called]()
    for other in draft.queue.of_number(row.order.to):
        if other == name or other in draft.queue.tickets:
            continue
        live = draft.get(other, MessageEntry)
        if (
            live is not None
            and live.order is not None
            and not live.absent
            and plain(live.order.body) == words
        ):
            found.append((live.began, other))
    return found


def _lost(draft: StepBuilder, row: MessageEntry, called: datetime) -> list[Called]:
    """Those that nobody waits for any more, if an entry may be as well of their time as of this one's."""
    assert row.order is not None
    mark = words_of(row.order.body)
    return [
        (one.called_at, name)
        for name, one in draft.queue.lost_of(row.order.to).items()
        if one.words == mark
        and not one.absent
        and one.provider_id is None
        and abs(one.called_at - called) <= 2 * EITHER_SIDE
    ]
