"""The dispatch room: a sender's family of rows.  Sans I/O: what to call the provider for are the step's effects."""

from __future__ import annotations

from datetime import datetime

from schemas.controls import Cancel, Pause, Resolve, Resume, Sighting, Stop
from schemas.send import Send
from streams.dispatch.controls import cancel, pause, sighting, stop
from streams.dispatch.in_doubt import found_sending, give_up, look, resolve, seen
from streams.dispatch.on_order import ordered
from streams.dispatch.provider_calls import LookupResult, SendResult
from streams.dispatch.send_loop import arm, pump
from streams.dispatch.send_results import answered
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.sender_status import tell
from streams.dispatch.state import (
    LOST,
    MESSAGES,
    QUEUE,
    AbandonedAttempt,
    DispatchState,
    MessageEntry,
)
from streams.dispatch.step_builder import StepBuilder
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    PartitionAcquired,
    Settings,
    StateStore,
    StepResult,
)


def dispatch(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Unreadable controls change nothing here: the gate, which saw the same person say STOP, is where it counts."""
    draft = StepBuilder(state, state.cache(SenderQueue.of), now)
    match record.value:
        case Send() as order:
            ordered(draft, record, order, settings)
            _go_on(draft, settings)
        case SendResult() as answer:
            answered(draft, answer, settings)
            arm(draft, settings)
        case LookupResult() as answer:
            seen(draft, answer, settings)
            arm(draft, settings)
        case Stop() | Cancel() | Sighting() | Pause() | Resume() | Resolve() as control:
            _obey(draft, control)
            arm(draft, settings)
        case PartitionAcquired():
            _open(draft, settings)
            _go_on(draft, settings)
        case _:
            return NO_CHANGE
    return draft.step()


def dispatch_on_timer(
    state: StateStore, name: str, now: datetime, settings: Settings
) -> StepResult:
    draft = StepBuilder(state, state.cache(SenderQueue.of), now)
    if name == QUEUE:
        draft.queue.armed = None
        tell(draft, settings)
        _go_on(draft, settings)
    else:
        _forget(draft, name)
    return draft.step()


def _obey(draft: StepBuilder, control: Stop | Cancel | Sighting | Pause | Resume | Resolve) -> None:
    match control:
        case Stop():
            stop(draft, control)
        case Cancel():
            cancel(draft, control)
        case Sighting():
            sighting(draft, control)
        case Pause() | Resume():
            pause(draft, control)
        case Resolve():
            resolve(draft, control)


def _open(draft: StepBuilder, settings: Settings) -> None:
    """What an owner before had under way may or may not have been taken."""
    queue = draft.queue
    for name in queue.stranded:
        row = draft.get(name, MessageEntry)
        if row is not None:
            found_sending(draft, name, row, settings)
    queue.stranded.clear()
    queue.opened, queue.armed, queue.news = True, None, True


def _go_on(draft: StepBuilder, settings: Settings) -> None:
    """What is due; and what is then due next."""
    look(draft)
    pump(draft, settings)


def _forget(draft: StepBuilder, name: str) -> None:
    """But for a message that was ordered again in the meantime."""
    row = draft.get(name, MessageEntry) if name.startswith(MESSAGES) else None
    if row is not None and row.place in (DispatchState.QUEUED, DispatchState.SENDING):
        return
    if row is not None and row.order is not None:
        give_up(draft, row)
        draft.queue.forget(name, row.order.to)
    elif row is not None:
        draft.queue.taken_long_ago(row)
    elif name.startswith(LOST) and (lost := draft.get(name, AbandonedAttempt)) is not None:
        draft.queue.lost_long_ago(name, lost)
    draft.put(name, None)
