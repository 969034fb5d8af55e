"""How the sender is doing, for people: its queue in segments and minutes, its pace, its doubts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.sender_status import LaneDepth, SenderError, SenderState, SenderStatus
from schemas.topics import SENDER_STATUS
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.state import QUEUE, QueueEntry
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

EVERY: Final = timedelta(seconds=1)
"""No more often than that is anything said."""


def pace_of(sender: str, settings: Settings) -> float | None:
    """Segments per second: its own, or what is left of the account's for it; None for a sender that nobody knows."""
    known = settings.senders.get(sender)
    return None if known is None else min(known.segments_per_second, settings.call_limits.pace)


def tell(draft: StepBuilder, settings: Settings) -> None:
    """Once a second at most, and only what is new."""
    queue = draft.queue
    if (
        not queue.opened
        or not queue.news
        or (queue.told_at is not None and draft.now < queue.told_at + EVERY)
    ):
        return
    queue.told_at = draft.now
    status = _status(draft, settings)
    queue.news = status.state is SenderState.RESTING
    if queue.told is None or status != queue.told.model_copy(update={"at": draft.now}):
        queue.told = status
        draft.publish(SENDER_STATUS, status)
        draft.keep(QUEUE, queue_row(queue))


def queue_row(queue: SenderQueue) -> QueueEntry:
    error, at = queue.error or (None, None)
    return QueueEntry(paused=queue.paused, by=queue.paused_by, error=error, error_at=at)


def _status(draft: StepBuilder, settings: Settings) -> SenderStatus:
    queue, pace = draft.queue, pace_of(draft.sender, settings)
    state = _state(draft, pace, settings.call_limits.paused_until)
    depths = tuple(
        LaneDepth(lane=lane, messages=len(line), segments=line.segments)
        for lane, line in queue.lines.items()
        if line
    )
    leaves = pace is not None and not queue.paused
    return SenderStatus(
        sender=draft.sender,
        state=state,
        paused_by=queue.paused_by or None,
        pace=pace,
        queued=depths,
        later=len(queue.later),
        drain_seconds=round(queue.total / pace, 1) if leaves and pace else None,
        in_flight=len(queue.under_way),
        in_doubt=len(queue.doubts),
        last_error=SenderError(code=queue.error[0], at=queue.error[1]) if queue.error else None,
        oldest_queued=queue.oldest(),
        at=draft.now,
    )


def _state(draft: StepBuilder, pace: float | None, rests_until: datetime | None) -> SenderState:
    if pace is None:
        return SenderState.UNKNOWN_SENDER
    if draft.queue.paused:
        return SenderState.PAUSED
    resting = draft.queue.rests_until is not None and draft.queue.rests_until > draft.now
    if resting or (rests_until is not None and rests_until > draft.now):
        return SenderState.RESTING
    return SenderState.RUNNING
