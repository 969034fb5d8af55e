"""Dispatch: send each order once, at the pace that its sender is allowed.

Theory of operation
-------------------
Dispatch is keyed by sender. It is a state machine with a checkpointed state and a derived index in
memory (docs/decisions/0008):

- The state has one small entry for each message (`state`). It is committed with every step.
- The index (`sender_queue`) has the order of the queue, the token bucket, the calls in flight. It
  is derived from the state when it is first needed, and changed together with it. It is never
  written. Memory is never rolled back: if a transaction fails, the process exits, and the next
  owner derives the index again.

A message goes through these states. Dispatch makes no call itself: a step returns calls, and the
worker makes them after the commit.

    order ──▶ queued ──▶ sending ──▶ accepted | refused
                │  ▲        │ │
                │  └────────┘ └────▶ in doubt ──▶ accepted | canceled | expired | dropped
                └──▶ canceled | expired (returned to the gate)

1. `sending` is committed before the call. So a crash leaves a trace.
2. A call that was cut off is in doubt, and is never retried blindly: the provider has no
   idempotency key (docs/decisions/0007). That is also what a new owner assumes of every message in
   `sending`.
3. A text in doubt is sent again only if its absence is proven by the provider's list (`in_doubt`,
   `list_matching`), or if a person says so.
4. The queue is strict between priorities and fair between tenants and cases (`fair_queue`).
5. Pace is decided here by a token bucket and kept exactly where the calls are made (`pace`).
6. Controls come before orders: the runtime reads them first, and after an assignment up to their
   end. Only orders, timers and PartitionAcquired start calls; controls and results only set the
   timer. So a STOP that is already on Kafka is applied before the next call begins.
"""

from __future__ import annotations

from datetime import datetime

from schemas.controls import Cancel, Pause, Recall, Resolve, Resume, Sighting, Stop
from schemas.send import Send
from streams.dispatch.controls import apply_control
from streams.dispatch.in_doubt import (
    give_up,
    on_lookup_result,
    request_due_lookups,
    suspect_interrupted,
)
from streams.dispatch.on_order import on_order
from streams.dispatch.provider_calls import LookupResult, SendResult
from streams.dispatch.send_loop import on_send_result, send_due, set_next_timer
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.sender_status import publish_status
from streams.dispatch.state import (
    ABANDONED,
    MESSAGES,
    QUEUE,
    AbandonedAttempt,
    Finished,
    InDoubt,
    Queued,
    Sending,
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
    """Unreadable controls change nothing here: the gate read the same STOP, and it counts there."""
    step = StepBuilder(state, state.cache(SenderQueue.build), now)
    match record.value:
        case Send() as order:
            on_order(step, record, order, settings)
            _do_what_is_due(step, settings)
        case SendResult() as result:
            on_send_result(step, result, settings)
            set_next_timer(step, settings)
        case LookupResult() as result:
            on_lookup_result(step, result, settings)
            set_next_timer(step, settings)
        case Stop() | Recall() | Cancel() | Sighting() | Pause() | Resume() | Resolve() as control:
            apply_control(step, control)
            set_next_timer(step, settings)
        case PartitionAcquired():
            _take_over(step, settings)
            _do_what_is_due(step, settings)
        case _:
            return NO_CHANGE
    return step.build()


def dispatch_on_timer(
    state: StateStore, name: str, now: datetime, settings: Settings
) -> StepResult:
    step = StepBuilder(state, state.cache(SenderQueue.build), now)
    if name == QUEUE:
        step.queue.timer_at = None
        publish_status(step, settings)
        _do_what_is_due(step, settings)
    else:
        _forget(step, name)
    return step.build()


def _take_over(step: StepBuilder, settings: Settings) -> None:
    queue = step.queue
    suspect_interrupted(step, settings)
    queue.is_ready = True
    queue.timer_at = None
    queue.status_may_differ = True


def _do_what_is_due(step: StepBuilder, settings: Settings) -> None:
    request_due_lookups(step)
    send_due(step, settings)


def _forget(step: StepBuilder, name: str) -> None:
    """An entry's retention is over. A message that was ordered again in the meantime stays."""
    if name.startswith(MESSAGES):
        match step.message(name):
            case Queued() | Sending():
                return
            case InDoubt() as message:
                give_up(step, message)
            case Finished() as message:
                step.queue.forget_accepted(message)
    elif name.startswith(ABANDONED) and (attempt := step.get(name, AbandonedAttempt)) is not None:
        step.queue.forget_abandoned(name, attempt)
    step.put(name, None)
