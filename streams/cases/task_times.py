"""When a task is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from streams.calendar.due_times import due_at
from streams.cases.draft import Draft
from streams.cases.occasions import occasion_of_task
from streams.cases.state import TaskEntry

JOINS_WITHIN: Final = timedelta(days=1)
"""Who becomes a party so soon after a task was due still gets its text."""


def task_due(draft: Draft, task: TaskEntry) -> datetime | None:
    """None: nobody knows yet.  A task waits for the launch; a text written by hand does not."""
    launched = draft.case.launched.at if draft.case.launched else None
    if launched is None and task.written_by is None:
        return None
    due = _task_time(draft, task, launched)
    return due if due is None or launched is None else max(due, launched)


def _task_time(draft: Draft, task: TaskEntry, launched: datetime | None) -> datetime | None:
    when = task.when
    if when.time is not None:
        return due_at(when.time, when.time_zone or draft.zone, "0 days before", when.clock)
    if when.offset is None:
        return task.timing.at if when.now and task.timing else None
    if when.event_id is not None or when.date_name is not None:
        occasion = occasion_of_task(draft, task)
        if occasion is None:
            return None
        return due_at(occasion.starts_at, occasion.zone, when.offset, when.clock)
    return None if launched is None else due_at(launched, draft.zone, when.offset, when.clock)
