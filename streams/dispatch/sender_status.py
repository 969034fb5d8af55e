"""The sender's status for staff: its queue in segments and minutes, its pace, its in-doubt
attempts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.sender import PriorityDepth, SenderError, SenderState, SenderStatus
from schemas.topics import SENDER_STATUS
from streams.dispatch.pace import pace_of
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.state import QUEUE, QueueEntry
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

STATUS_INTERVAL: Final = timedelta(seconds=1)
"""The status is published no more often than this."""


def publish_status(step: StepBuilder, settings: Settings) -> None:
    """If it has changed, and not too often."""
    queue = step.queue
    if not queue.is_ready or not queue.status_may_differ:
        return
    if queue.status_checked_at and step.now < queue.status_checked_at + STATUS_INTERVAL:
        return
    queue.status_checked_at = step.now
    status = _build_status(step, settings)
    queue.status_may_differ = status.state is SenderState.RESTING
    before = queue.published_status
    if before is None or status != before.model_copy(update={"at": step.now}):
        queue.published_status = status
        step.publish(SENDER_STATUS, status)
        step.put_quietly(QUEUE, build_queue_entry(queue))


def build_queue_entry(queue: SenderQueue) -> QueueEntry:
    error, at = queue.last_error or (None, None)
    return QueueEntry(paused=queue.paused, by=queue.paused_by, error=error, error_at=at)


def _build_status(step: StepBuilder, settings: Settings) -> SenderStatus:
    queue = step.queue
    pace = pace_of(step.sender, settings)
    depths = tuple(
        PriorityDepth(lane=priority, messages=len(texts), segments=texts.segments)
        for priority, texts in queue.queues.items()
        if texts
    )
    drain_seconds = None
    if pace and not queue.paused:
        drain_seconds = round(queue.total_segments / pace, 1)
    error = max(filter(None, (queue.last_error, settings.account_error)), key=_when, default=None)
    return SenderStatus(
        sender=step.sender,
        state=_find_state(step, pace, settings.call_limits.paused_until),
        paused_by=queue.paused_by or None,
        pace=pace,
        queued=depths,
        later=len(queue.scheduled),
        drain_seconds=drain_seconds,
        in_flight=len(queue.in_flight),
        in_doubt=len(queue.in_doubt),
        last_error=SenderError(code=error[0], at=error[1]) if error else None,
        oldest_queued=queue.oldest(),
        at=step.now,
    )


def _when(error: tuple[str, datetime]) -> datetime:
    return error[1]


def _find_state(
    step: StepBuilder, pace: float | None, account_paused_until: datetime | None
) -> SenderState:
    if pace is None:
        return SenderState.UNKNOWN_SENDER
    if step.queue.paused:
        return SenderState.PAUSED
    for until in (step.queue.backoff_until, account_paused_until):
        if until is not None and until > step.now:
            return SenderState.RESTING
    return SenderState.RUNNING
